#include "lower/plan_facts.h"

#include <algorithm>
#include <tuple>

#include <fmt/core.h>

namespace kb::lower {
namespace {

using model::Column;

class Gatherer {
 public:
  explicit Gatherer(const Plan& plan) : plan_(plan), graph_(*plan.graph) {}

  PlanFacts Gather() && {
    facts_.servers.resize(graph_.model->servers.size());
    facts_.services.resize(graph_.services.size());
    for (size_t s = 0; s < graph_.services.size(); ++s) {
      if (graph_.services[s].manifest->owns_host) owners_.push_back(static_cast<int>(s));
    }
    for (size_t s = 0; s < graph_.services.size(); ++s) AddService(static_cast<int>(s));
    AddHosts();
    for (const graph::Listener& listener : graph_.listeners) AddListener(listener);
    for (PlannedServer& server : facts_.servers) SortPeers(server);
    state_.resize(graph_.services.size());
    for (size_t s = 0; s < graph_.services.size(); ++s) AddInOrder(static_cast<int>(s));
    return std::move(facts_);
  }

 private:
  void AddService(int index) {
    const graph::Service& service = graph_.services[index];
    PlannedService& planned = facts_.services[index];
    planned.service = &service;
    planned.folder = fmt::format("{}-{}", service.manifest->label, service.name().text);
    planned.survives = SurvivorsOf(service);
    planned.steps.reserve(service.manifest->steps.size());
    for (const module::Step& step : service.manifest->steps) {
      planned.steps.push_back({&step, {}});
      if (step.kind == module::StepKind::kGate) planned.gate = &step;
    }
    for (const module::Named& image : service.manifest->images) {
      planned.images.push_back(image.name.text);
    }
    AddNeeds(index, planned);
    AddCredentials(service, planned);
  }

  static int SurvivorsOf(const graph::Service& service) {
    const int others = static_cast<int>(service.members.size()) - 1;
    switch (service.manifest->survives) {
      case module::Survives::kNothing:
        return 0;
      case module::Survives::kOne:
        return std::clamp(others, 0, 1);
      case module::Survives::kMinority:
        return std::max(others, 0) / 2;
      case module::Survives::kAllButOne:
        return std::max(others, 0);
    }
    return 0;
  }

  // The hosts themselves, what it talks to, and the proxies on the way.
  void AddNeeds(int index, PlannedService& planned) const {
    const auto add = [&](int other) {
      if (other >= 0 && other != index &&
          std::ranges::find(planned.needs, other) == planned.needs.end())
        planned.needs.push_back(other);
    };
    if (!planned.service->manifest->owns_host) {
      for (int owner : owners_) add(owner);
    }
    for (const graph::Need& need : planned.service->needs) {
      if (!need.to.known()) continue;
      add(need.to.service);
      add(graph_.services[need.to.service].proxy);
    }
  }

  void AddCredentials(const graph::Service& service, PlannedService& planned) const {
    const auto add = [&](const model::Credential* credential) {
      if (credential != nullptr &&
          std::ranges::find(planned.credentials, credential) == planned.credentials.end()) {
        planned.credentials.push_back(credential);
      }
    };
    for (const model::Credential* credential : service.secrets) add(credential);
    for (const graph::Role& role : service.roles) add(role.credential);
    for (const graph::Need& need : service.needs) {
      if (!need.to.known()) continue;
      for (const graph::Role& role : graph_.services[need.to.service].roles) add(role.credential);
    }
    // A proxy must log in where it asks for the role.
    for (int fronted : service.fronted) {
      const graph::Service& behind = graph_.services[fronted];
      for (const module::Endpoint& endpoint : behind.manifest->endpoints) {
        for (const module::Exchange& exchange : endpoint.probe.exchanges) {
          if (exchange.secret >= 0) add(behind.secrets[exchange.secret]);
        }
      }
    }
  }

  // Where its script was rendered: a step may have a condition.
  void AddHosts() {
    for (const Artifact& artifact : plan_.artifacts) {
      const module::Output* output = plan_.OutputOf(artifact);
      if (output == nullptr || output->step < 0) continue;
      PlannedStep& planned = facts_.services[artifact.service].steps[output->step];
      const int host = artifact.server >= 0 ? artifact.server : graph_.install;
      if (host >= 0) planned.hosts.push_back(host);
    }
  }

  void AddListener(const graph::Listener& listener) {
    const graph::Service& owner = graph_.services[listener.owner];
    const std::string_view name = owner.name().text;
    for (int member : owner.members) {
      auto& ports = facts_.servers[member].ports;
      const ListeningPort port{listener.port, listener.protocol, name};
      if (std::ranges::find(ports, port) == ports.end()) ports.push_back(port);
    }
    if (listener.protocol != "tcp" || owner.manifest->owns_host) return;
    for (const graph::Origin& origin : listener.origins) {
      switch (origin.kind) {
        case graph::Origin::Kind::kMembers:
          AddPeers(graph_.services[origin.index].members, owner, listener.port);
          break;
        case graph::Origin::Kind::kApp:
          AddPeers(graph_.apps[origin.index].members, owner, listener.port);
          break;
        case graph::Origin::Kind::kServers:
          AddPeers(origin.servers, owner, listener.port);
          break;
        case graph::Origin::Kind::kAddress:
        case graph::Origin::Kind::kBalancer:
          break;  // no server of ours
      }
    }
  }

  void AddPeers(const std::vector<int>& from, const graph::Service& to, uint16_t port) {
    for (int server : from) {
      for (int member : to.members) {
        if (member != server)
          facts_.servers[server].peers.push_back({member, port, to.name().text});
      }
    }
  }

  void SortPeers(PlannedServer& server) const {
    const auto key = [&](const Peer& peer) {
      return std::tuple(graph_.model->servers[peer.server].ip, peer.port);
    };
    std::ranges::sort(server.peers, {}, key);
    const auto repeats = std::ranges::unique(server.peers, {}, key);
    server.peers.erase(repeats.begin(), repeats.end());
  }

  // Services that need each other are refused elsewhere; here they only must not hang.
  void AddInOrder(int service) {
    if (state_[service]) return;
    state_[service] = true;
    for (int needed : facts_.services[service].needs) AddInOrder(needed);
    facts_.order.push_back(service);
  }

  const Plan& plan_;
  const graph::Graph& graph_;
  PlanFacts facts_;
  std::vector<int> owners_;  // services that make hosts what the others need
  std::vector<bool> state_;
};

}  // namespace

PlanFacts GatherFacts(const Plan& plan) { return Gatherer(plan).Gather(); }

std::string ScriptOf(const PlannedService& service, const module::Step& step) {
  return fmt::format("{}/{}.sh", service.folder, step.name.text);
}

}  // namespace kb::lower
