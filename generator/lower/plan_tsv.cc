// PLAN.tsv: PLAN.json for bash, which has no JSON. Rows of words, separated by tabs; the first word
// says what kind of row it is, the README of the rows is docs/RUNNER.md. An empty word is a dash.
#include <fmt/core.h>

#include "lower/plan_facts.h"

namespace kb::lower {
namespace {

class Rows {
 public:
  explicit Rows(std::string& out) : out_(out) {}

  template <class... Words>
  void Add(std::string_view kind, const Words&... words) {
    out_ += kind;
    (AppendWord(words), ...);
    out_ += '\n';
  }

 private:
  void AppendWord(std::string_view word) {
    out_ += '\t';
    out_ += word.empty() ? std::string_view("-") : word;
  }

  std::string& out_;
};

template <class Items, class NameOf>
std::string Joined(const Items& items, const NameOf& name_of) {
  std::string text;
  for (const auto& item : items) {
    if (!text.empty()) text += ',';
    text += name_of(item);
  }
  return text;
}

class TsvWriter {
 public:
  TsvWriter(const graph::Graph& graph, const PlanFacts& facts, std::string& out)
      : model_(*graph.model), facts_(facts), rows_(out) {}

  void Write() {
    const std::string_view root = model_.install_root.text;
    rows_.Add("topology", model_.name.text, root, fmt::format("{}/credentials", root),
              model_.install_host.text);
    for (size_t i = 0; i < facts_.servers.size(); ++i) Server(i);
    for (int s : facts_.order) Service(facts_.services[s]);
    // What an installation runs, in an order that works one by one; then what runs by name.
    for (const bool apply : {true, false}) {
      for (int s : facts_.order) Steps(facts_.services[s], apply);
    }
  }

 private:
  void Server(size_t index) {
    const model::Server& server = model_.servers[index];
    const PlannedServer& planned = facts_.servers[index];
    const std::string_view name = server.name().text;
    rows_.Add("server", name, AddressOf(server), server[model::Column::kPrivateIp].text, server.os);
    if (server.volume >= 0) rows_.Add("mount", name, model_.volumes[server.volume].mount.text);
    for (const ListeningPort& port : planned.ports) {
      rows_.Add("port", name, fmt::format("{}", port.port), port.protocol, port.service);
    }
    for (const Peer& peer : planned.peers) {
      rows_.Add("peer", name, model_.servers[peer.server][model::Column::kPrivateIp].text,
                fmt::format("{}", peer.port), peer.service);
    }
  }

  void Service(const PlannedService& planned) {
    const graph::Service& service = *planned.service;
    const std::string_view name = service.name().text;
    rows_.Add("service", name, service.manifest->name.text, service.manifest->label, planned.folder,
              fmt::format("{}", planned.survives),
              planned.gate == nullptr ? std::string() : ScriptOf(planned, *planned.gate),
              Joined(planned.needs, [&](int s) { return facts_.services[s].service->name().text; }),
              Joined(planned.images, [](std::string_view image) { return image; }));
    for (int member : service.members) rows_.Add("member", name, NameOf(member));
    for (const model::Credential* credential : planned.credentials) {
      rows_.Add("credential", name, credential->file.text, credential->key.text);
    }
  }

  void Steps(const PlannedService& planned, bool apply) {
    for (const PlannedStep& step : planned.steps) {
      const module::Step& s = *step.step;
      if ((s.kind == module::StepKind::kApply) != apply) continue;
      rows_.Add("step", planned.service->name().text, s.name.text, module::Name(s.kind),
                module::Name(s.strategy), s.on_install ? "install" : "members",
                s.new_connection ? "new" : "any", ScriptOf(planned, s),
                Joined(step.hosts, [&](int host) { return NameOf(host); }),
                Joined(s.after, [](const Word& word) { return word.text; }));
    }
  }

  std::string_view NameOf(int server) const { return model_.servers[server].name().text; }

  const model::Model& model_;
  const PlanFacts& facts_;
  Rows rows_;
};

}  // namespace

void AppendPlanTsv(const Plan& plan, std::string& out) {
  const PlanFacts facts = GatherFacts(plan);
  TsvWriter(*plan.graph, facts, out).Write();
}

}  // namespace kb::lower
