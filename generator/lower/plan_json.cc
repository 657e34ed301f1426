// PLAN.json: what a runner must know of the steps. A record has every key, always; nothing is null.
// It is written as text, not built as a tree: a step of a large estate has tens of thousands of
// hosts.
#include <algorithm>

#include <fmt/core.h>

#include "lang/writing.h"
#include "lower/plan.h"

namespace kb::lower {
namespace {

// JSON with one value a line, each level one space further in.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  void Key(std::string_view name) {
    Item();
    Quote(name);
    out_ += ": ";
  }
  void Member(std::string_view name, std::string_view value) {
    Key(name);
    Quote(value);
  }
  void Text(std::string_view value) {
    Item();
    Quote(value);
  }
  // Begins a member of a list; lists and records of a record begin behind their key.
  void Item() {
    if (!first_) out_ += ',';
    NewLine();
    first_ = false;
  }
  void Open(char bracket) {
    out_ += bracket;
    ++depth_;
    first_ = true;
  }
  void Close(char bracket) {
    --depth_;
    if (!first_) NewLine();
    out_ += bracket;
    first_ = false;
  }

 private:
  void NewLine() { out_.append(1, '\n').append(depth_, ' '); }
  void Quote(std::string_view text) {
    out_ += '"';
    lang::AppendJsonEscaped(text, out_);
    out_ += '"';
  }

  std::string& out_;
  size_t depth_ = 0;
  bool first_ = true;
};

void WriteHosts(const graph::Graph& graph, const graph::Service& service, const module::Step& step,
                JsonWriter& json) {
  json.Open('[');
  if (step.on_install && graph.install >= 0) {
    json.Text(graph.model->servers[graph.install].name().text);
  } else if (!step.on_install) {
    for (int member : service.members) {
      json.Text(graph.model->servers[member].name().text);
      if (step.strategy == module::Strategy::kFirst) break;
    }
  }
  json.Close(']');
}

void WriteStep(const graph::Graph& graph, const graph::Service& service, const module::Step& step,
               JsonWriter& json) {
  json.Item();
  json.Open('{');
  json.Member("name", step.name.text);
  json.Member("kind", module::Name(step.kind));
  json.Member("strategy", module::Name(step.strategy));
  json.Member("script", fmt::format("{}-{}/{}.sh", service.manifest->label, service.name().text,
                                    step.name.text));
  json.Key("after");
  json.Open('[');
  for (const Word& name : step.after) json.Text(name.text);
  json.Close(']');
  json.Key("hosts");
  WriteHosts(graph, service, step, json);
  json.Member("help", step.help);
  json.Close('}');
}

// Which hosts must hold which keys of which credential file.
void WriteCredentials(const graph::Graph& graph, const graph::Service& service, JsonWriter& json) {
  std::vector<const model::Credential*> read;
  const auto add = [&](const model::Credential* credential) {
    if (credential != nullptr && std::ranges::find(read, credential) == read.end()) {
      read.push_back(credential);
    }
  };
  for (const model::Credential* credential : service.secrets) add(credential);
  for (const graph::Role& role : service.roles) add(role.credential);
  for (const graph::Need& need : service.needs) {
    if (!need.to.known()) continue;
    for (const graph::Role& role : graph.services[need.to.service].roles) add(role.credential);
  }
  // A proxy must log in where it asks for the role.
  for (int fronted : service.fronted) {
    const graph::Service& behind = graph.services[fronted];
    for (const module::Endpoint& endpoint : behind.manifest->endpoints) {
      for (const module::Exchange& exchange : endpoint.probe.exchanges) {
        if (exchange.secret >= 0) add(behind.secrets[exchange.secret]);
      }
    }
  }
  json.Open('[');
  for (const model::Credential* credential : read) {
    json.Item();
    json.Open('{');
    json.Member("name", credential->name.text);
    json.Member("file", credential->file.text);
    json.Member("key", credential->key.text);
    json.Close('}');
  }
  json.Close(']');
}

// What must be installed before: the hosts themselves, what it needs, and the proxies on the way.
void WriteNeeds(const graph::Graph& graph, const graph::Service& service, JsonWriter& json) {
  std::vector<std::string_view> needs;
  const auto add = [&](const graph::Service& other) {
    const std::string_view name = other.name().text;
    if (&other != &service && std::ranges::find(needs, name) == needs.end()) needs.push_back(name);
  };
  for (const graph::Service& other : graph.services) {
    if (other.manifest->owns_host && !service.manifest->owns_host) add(other);
  }
  for (const graph::Need& need : service.needs) {
    if (!need.to.known()) continue;
    const graph::Service& provider = graph.services[need.to.service];
    add(provider);
    if (provider.proxy >= 0) add(graph.services[provider.proxy]);
  }
  json.Open('[');
  for (std::string_view name : needs) json.Text(name);
  json.Close(']');
}

void WriteService(const graph::Graph& graph, const graph::Service& service, JsonWriter& json) {
  json.Item();
  json.Open('{');
  json.Member("name", service.name().text);
  json.Member("module", service.manifest->name.text);
  json.Member("label", service.manifest->label);
  json.Key("needs");
  WriteNeeds(graph, service, json);
  json.Key("credentials");
  WriteCredentials(graph, service, json);
  json.Key("steps");
  json.Open('[');
  for (const module::Step& step : service.manifest->steps) WriteStep(graph, service, step, json);
  json.Close(']');
  json.Close('}');
}

// At least its size. A string that grows into it would take half as much again.
size_t SizeAtMost(const graph::Graph& graph) {
  constexpr size_t kRecord = 1024;  // of a service or a step, but for its hosts
  size_t size = kRecord;
  for (const graph::Service& service : graph.services) {
    size_t hosts = 0;
    for (int member : service.members)
      hosts += graph.model->servers[member].name().text.size() + 12;
    size += kRecord + service.manifest->steps.size() * (kRecord + hosts);
  }
  return size;
}

}  // namespace

void AppendPlanJson(const graph::Graph& graph, std::string& out) {
  out.reserve(out.size() + SizeAtMost(graph));
  JsonWriter json(out);
  json.Open('{');
  json.Key("kbgen");
  out += '1';
  json.Member("topology", graph.model->name.text);
  json.Member("root", graph.model->install_root.text);
  json.Member("install", graph.model->install_host.text);
  json.Key("services");
  json.Open('[');
  for (const graph::Service& service : graph.services) WriteService(graph, service, json);
  json.Close(']');
  json.Close('}');
  out += '\n';
}

}  // namespace kb::lower
