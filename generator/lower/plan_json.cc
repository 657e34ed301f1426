// PLAN.json: what a runner must know of the steps. A record has every key, always; nothing is null.
// It is written as text, not built as a tree: a step of a large estate has tens of thousands of
// hosts.
#include <iterator>

#include <fmt/core.h>

#include "lang/writing.h"
#include "lower/plan_facts.h"

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

class Writer {
 public:
  Writer(const graph::Graph& graph, std::string& out)
      : model_(*graph.model), out_(out), json_(out) {}

  void Write(const PlanFacts& facts) {
    json_.Open('{');
    json_.Key("kbgen");
    out_ += '1';
    json_.Member("topology", model_.name.text);
    json_.Member("domain", model_.domain.text);
    json_.Member("private", model_.private_network.text);
    json_.Member("root", model_.install_root.text);
    json_.Member("credentials", fmt::format("{}/credentials", model_.install_root.text));
    json_.Member("install", model_.install_host.text);
    List("servers", facts.servers.size(), [&](size_t i) { Server(i, facts.servers[i]); });
    List("services", facts.services.size(), [&](size_t i) { Service(facts, facts.services[i]); });
    json_.Close('}');
    out_ += '\n';
  }

 private:
  template <class Item>
  void List(std::string_view name, size_t count, const Item& item) {
    json_.Key(name);
    json_.Open('[');
    for (size_t i = 0; i < count; ++i) item(i);
    json_.Close(']');
  }

  void Number(std::string_view name, int64_t value) {
    json_.Key(name);
    fmt::format_to(std::back_inserter(out_), "{}", value);
  }

  std::string_view NameOf(int server) const { return model_.servers[server].name().text; }

  void Server(size_t index, const PlannedServer& planned) {
    const model::Server& server = model_.servers[index];
    json_.Item();
    json_.Open('{');
    json_.Member("name", server.name().text);
    json_.Member("address", AddressOf(server));
    json_.Member("ip", server[model::Column::kPrivateIp].text);
    json_.Member("os", server.os);
    List("mounts", server.volume < 0 ? 0 : 1,
         [&](size_t) { json_.Text(model_.volumes[server.volume].mount.text); });
    List("ports", planned.ports.size(), [&](size_t i) {
      json_.Item();
      json_.Open('{');
      Number("port", planned.ports[i].port);
      json_.Member("protocol", planned.ports[i].protocol);
      json_.Member("service", planned.ports[i].service);
      json_.Close('}');
    });
    List("peers", planned.peers.size(), [&](size_t i) {
      const Peer& peer = planned.peers[i];
      json_.Item();
      json_.Open('{');
      json_.Member("ip", model_.servers[peer.server][model::Column::kPrivateIp].text);
      Number("port", peer.port);
      json_.Member("service", peer.service);
      json_.Close('}');
    });
    json_.Close('}');
  }

  void Service(const PlanFacts& facts, const PlannedService& planned) {
    const graph::Service& service = *planned.service;
    json_.Item();
    json_.Open('{');
    json_.Member("name", service.name().text);
    json_.Member("module", service.manifest->name.text);
    json_.Member("label", service.manifest->label);
    json_.Member("folder", planned.folder);
    List("needs", planned.needs.size(),
         [&](size_t i) { json_.Text(facts.services[planned.needs[i]].service->name().text); });
    List("members", service.members.size(),
         [&](size_t i) { json_.Text(NameOf(service.members[i])); });
    Number("survives", planned.survives);
    json_.Member("gate",
                 planned.gate == nullptr ? std::string() : ScriptOf(planned, *planned.gate));
    List("images", planned.images.size(), [&](size_t i) { json_.Text(planned.images[i]); });
    List("credentials", planned.credentials.size(), [&](size_t i) {
      const model::Credential& credential = *planned.credentials[i];
      json_.Item();
      json_.Open('{');
      json_.Member("name", credential.name.text);
      json_.Member("file", credential.file.text);
      json_.Member("key", credential.key.text);
      json_.Close('}');
    });
    List("steps", planned.steps.size(), [&](size_t i) { Step(planned, planned.steps[i]); });
    json_.Close('}');
  }

  void Step(const PlannedService& service, const PlannedStep& planned) {
    const module::Step& step = *planned.step;
    json_.Item();
    json_.Open('{');
    json_.Member("name", step.name.text);
    json_.Member("kind", module::Name(step.kind));
    json_.Member("strategy", module::Name(step.strategy));
    json_.Member("on", step.on_install ? "install" : "members");
    json_.Member("connection", step.new_connection ? "new" : "any");
    json_.Member("script", ScriptOf(service, step));
    List("after", step.after.size(), [&](size_t i) { json_.Text(step.after[i].text); });
    List("hosts", planned.hosts.size(), [&](size_t i) { json_.Text(NameOf(planned.hosts[i])); });
    json_.Member("help", step.help);
    json_.Close('}');
  }

  const model::Model& model_;
  std::string& out_;
  JsonWriter json_;
};

// At least its size. A string that grows into it would take half as much again.
size_t SizeAtMost(const PlanFacts& facts) {
  constexpr size_t kRecord = 1024;  // of a server, a service or a step, but for its lists
  constexpr size_t kEntry = 96;     // of a port or a peer
  size_t size = kRecord;
  for (const PlannedServer& server : facts.servers) {
    size += kRecord / 2 + (server.ports.size() + server.peers.size()) * kEntry;
  }
  for (const PlannedService& service : facts.services) {
    size += kRecord;
    for (const PlannedStep& step : service.steps) size += kRecord / 2 + step.hosts.size() * 24;
  }
  return size;
}

}  // namespace

std::string AddressOf(const model::Server& server) {
  return fmt::format("{}@{}", server[model::Column::kUser].text,
                     server[model::Column::kPrivateIp].text);
}

void AppendPlanJson(const Plan& plan, std::string& out) {
  const PlanFacts facts = GatherFacts(plan);
  out.reserve(out.size() + SizeAtMost(facts));
  Writer(*plan.graph, out).Write(facts);
}

}  // namespace kb::lower
