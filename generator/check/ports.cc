// Ports and listeners, and the ways to them.
#include <algorithm>
#include <map>

#include <fmt/core.h>

#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {
namespace {

using graph::EndpointRef;
using graph::Listener;

std::string NameOf(const graph::Graph& graph, EndpointRef ref) {
  return fmt::format("{}.{}", graph.services[ref.service].name().text,
                     graph.Declared(ref).name.text);
}

// Where the port of an endpoint was chosen: in the topology, else by the module.
Span PortSpan(const graph::Graph& graph, EndpointRef ref) {
  for (const model::Binding& port : graph.services[ref.service].model->ports) {
    if (port.from.text == graph.Declared(ref).name.text) return port.to.span;
  }
  return graph.services[ref.service].model->span;
}

bool HasClients(const graph::Graph& graph, EndpointRef ref) {
  for (const graph::Service& service : graph.services) {
    if (std::ranges::any_of(service.needs, [&](const graph::Need& need) { return need.to == ref; }))
      return true;
  }
  return std::ranges::any_of(graph.apps, [&](const graph::App& app) {
    return std::ranges::find(app.uses, ref) != app.uses.end();
  });
}

}  // namespace

// Host networking everywhere: a port belongs to one listener of a host.
void CheckPorts(const Context& c, Diagnostics& diags) {
  std::vector<std::vector<const Listener*>> by_service(c.graph.services.size());
  for (const Listener& listener : c.graph.listeners)
    by_service[listener.owner].push_back(&listener);
  std::map<std::pair<const Listener*, const Listener*>, bool> told;
  for (size_t server = 0; server < c.graph.services_on.size(); ++server) {
    std::map<std::pair<uint16_t, std::string_view>, const Listener*> taken;
    for (int s : c.graph.services_on[server]) {
      for (const Listener* listener : by_service[s]) {
        if (listener->port == 0) continue;  // it is not said, and that is reported
        const auto [first, fresh] =
            taken.emplace(std::pair{listener->port, listener->protocol}, listener);
        if (fresh || !told.emplace(std::pair{first->second, listener}, true).second) continue;
        diags.Emit(diag::kPortTaken, PortSpan(c.graph, listener->endpoint),
                   {.labels = {{PortSpan(c.graph, first->second->endpoint), "the other listener"},
                               {c.model.servers[server].name().span, "a server that has both"}},
                    .help = "give one of them another port under `ports:`"},
                   int64_t{listener->port}, c.model.servers[server].name().text,
                   NameOf(c.graph, first->second->endpoint), NameOf(c.graph, listener->endpoint));
      }
    }
  }
}

namespace {

void CheckHealth(const model::Balancer& balancer, Diagnostics& diags) {
  Span told;
  for (const model::BalancerListener& listener : balancer.listeners) {
    const model::Health& health = listener.health;
    if (health.timeout_s > 0 && health.retries < 1 && health.span != told) {
      told = health.span;
      diags.Emit(diag::kBalancerHealth, health.span, {.help = "`retries: 3` is usual"},
                 balancer.name.text);
    }
    if (listener.protocol == "https" && listener.certificate.empty()) {
      diags.Emit(diag::kNoCertificate, listener.to.span,
                 {.help = "name it under `certificate:`, as the provider calls it"},
                 balancer.name.text, listener.to.text);
    }
    // An answer to a connect says nothing of the program that ends TLS behind it.
    if (listener.protocol != "tcp" && health.type.text == "tcp") {
      diags.Emit(diag::kBlindHealth, health.type.span,
                 {.labels = {{listener.to.span, "listened for here"}},
                  .help = "`type: http` with a `path:`"},
                 balancer.name.text, listener.to.text, listener.protocol);
    }
  }
}

}  // namespace

void CheckBalancers(const Context& c, Diagnostics& diags) {
  for (const graph::Balancer& balancer : c.graph.balancers) {
    std::map<uint16_t, size_t> ports;
    for (size_t i = 0; i < balancer.listeners.size(); ++i) {
      const EndpointRef ref = balancer.listeners[i];
      if (!ref.known()) continue;
      const Word& written = balancer.model->listeners[i].to;
      if (!c.graph.Declared(ref).clients) {
        diags.Emit(diag::kBalancedPeers, written.span,
                   {.help = "name an endpoint whose scope includes clients"}, NameOf(c.graph, ref),
                   balancer.model->name.text);
      }
      const uint16_t port = c.graph.ListenPort(balancer, i);
      const auto [first, fresh] = ports.emplace(port, i);
      if (!fresh && port != 0) {
        diags.Emit(
            diag::kBalancerPort, written.span,
            {.labels = {{balancer.model->listeners[first->second].to.span, "the other one"}}},
            balancer.model->name.text, int64_t{first->first});
      }
      // What stands behind must be the hosts that listen there.
      const graph::Service& service = c.graph.services[ref.service];
      const graph::Service& listens =
          service.proxy >= 0 ? c.graph.services[service.proxy] : service;
      // A target that does not listen is out by its health check; the other way round, nobody
      // comes.
      if (balancer.targets < 0 ||
          std::ranges::includes(c.graph.services[balancer.targets].members, listens.members))
        continue;
      diags.Emit(diag::kBalancerTargets, balancer.model->targets.span,
                 {.labels = {{written.span, "listened for here"}}}, balancer.model->name.text,
                 balancer.model->targets.text, listens.name().text, NameOf(c.graph, ref));
    }
    CheckHealth(*balancer.model, diags);
  }
}

// A store that has a leader must be reached through something that asks for the role.
void CheckRoleAwareness(const Context& c, Diagnostics& diags) {
  for (size_t s = 0; s < c.graph.services.size(); ++s) {
    const graph::Service& service = c.graph.services[s];
    if (service.proxy >= 0 || service.members.size() < 2) continue;
    for (size_t e = 0; e < service.manifest->endpoints.size(); ++e) {
      const EndpointRef ref{static_cast<int>(s), static_cast<int>(e)};
      const module::Endpoint& endpoint = service.manifest->endpoints[e];
      if (!endpoint.clients || !endpoint.probe.role) continue;
      if (!HasClients(c.graph, ref) && c.graph.BalancerOf(ref) < 0) continue;
      diags.Emit(diag::kRoleBlind, service.model->span,
                 {.help = "say `proxy:` and name a service whose module fronts others"},
                 service.name().text, endpoint.name.text);
    }
  }
}

// A template spells the address of another service's node only where the graph has the way.
void CheckDirectNeeds(const Context& c, Diagnostics& diags) {
  for (size_t s = 0; s < c.graph.services.size(); ++s) {
    const graph::Service& service = c.graph.services[s];
    for (size_t n = 0; n < service.needs.size(); ++n) {
      const module::Need& need = service.manifest->needs[n];
      const EndpointRef to = service.needs[n].to;
      if (!need.members || !to.known() || c.graph.Declared(to).services) continue;
      const bool in_front = c.graph.services[to.service].proxy == static_cast<int>(s);
      if (in_front) continue;
      diags.Emit(diag::kDirectNeed, service.model->span,
                 {.labels = {{c.graph.services[to.service].model->span, "the other service"}},
                  .help = fmt::format("say `proxy: {}` there", service.name().text)},
                 service.name().text, c.graph.services[to.service].name().text,
                 c.graph.Declared(to).name.text);
    }
  }
}

void CheckOfficialAddress(const Context& c, Diagnostics& diags) {
  for (size_t s = 0; s < c.graph.services.size(); ++s) {
    const graph::Service& service = c.graph.services[s];
    for (size_t e = 0; e < service.manifest->endpoints.size(); ++e) {
      const EndpointRef ref{static_cast<int>(s), static_cast<int>(e)};
      if (!service.manifest->endpoints[e].clients || service.members.empty()) continue;
      if (!c.graph.OfficialAddress(ref).host.empty()) continue;
      if (!HasClients(c.graph, ref)) continue;
      diags.Emit(
          diag::kNoOfficialAddress, service.model->span,
          {.help = "put a load balancer in front (`listeners:`), or name an `entry:` server"},
          service.name().text, service.manifest->endpoints[e].name.text);
    }
  }
}

namespace {

// What keeps data, or is a way to what does.
bool HoldsData(const graph::Service& service, const module::Endpoint& endpoint) {
  const module::Manifest& manifest = *service.manifest;
  return manifest.provides_databases || manifest.provides_vhosts || manifest.provides_buckets ||
         endpoint.probe.role || std::ranges::any_of(manifest.needs, [](const module::Need& need) {
           return !need.route.empty();
         });
}

}  // namespace

// Applications meet the world; data services meet applications.
void CheckPublicStores(const Context& c, Diagnostics& diags) {
  for (const graph::Balancer& balancer : c.graph.balancers) {
    if (balancer.model->public_ip.empty()) continue;
    for (size_t i = 0; i < balancer.listeners.size(); ++i) {
      const EndpointRef ref = balancer.listeners[i];
      if (!ref.known() || !HoldsData(c.graph.services[ref.service], c.graph.Declared(ref)))
        continue;
      diags.Emit(diag::kPublicStore, balancer.model->listeners[i].to.span,
                 {.labels = {{balancer.model->public_ip.span, "its public address"}},
                  .help = "let a load balancer without a public address listen for it"},
                 NameOf(c.graph, ref), balancer.model->name.text);
    }
  }
}

namespace {

// Looks at every address that somebody typed into the settings of a service.
void CheckNode(const Node& node, const Context& c, const graph::Service& service,
               Diagnostics& diags) {
  for (const Node& item : node.items) CheckNode(item, c, service, diags);
  for (const Node::Entry& entry : node.entries) CheckNode(entry.value, c, service, diags);
  if (node.kind != NodeKind::kScalar) return;
  // An address may stand inside a text: "host=192.0.2.7 port=5432".
  std::string_view text = node.text;
  while (!text.empty()) {
    const size_t begin = text.find_first_of("0123456789");
    if (begin == std::string_view::npos) return;
    text.remove_prefix(begin);
    const size_t length = std::min(text.find_first_not_of("0123456789."), text.size());
    const auto ip = ParseIpv4(text.substr(0, length));
    text.remove_prefix(length);
    if (!ip || !c.model.network.Contains(*ip)) continue;
    const auto owner = std::ranges::find(c.model.servers, *ip, &model::Server::ip);
    const bool balancer = std::ranges::any_of(c.model.balancers, [&](const model::Balancer& b) {
      return ParseIpv4(b.private_ip.text) == ip;
    });
    if (owner == c.model.servers.end() && !balancer) continue;
    diags.Emit(diag::kWrittenAddress, node.span,
               {.help = "name the service under `uses:`; its official address is derived"},
               Ipv4Text(*ip), balancer ? std::string_view("a load balancer") : owner->name().text,
               service.name().text);
  }
}

}  // namespace

void CheckWrittenAddresses(const Context& c, Diagnostics& diags) {
  for (const graph::Service& service : c.graph.services) {
    if (service.model->settings != nullptr) CheckNode(*service.model->settings, c, service, diags);
  }
}

}  // namespace kb::check
