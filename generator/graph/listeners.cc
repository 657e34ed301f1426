// Listeners: reads off the graph who listens where and who may reach it. Everything that knows of
// connections (firewalls, proxies, documents) takes it from here.
#include <algorithm>

#include "base/strings.h"
#include "diag/kinds.h"
#include "graph/graph.h"
#include "graph/selector.h"

namespace kb::graph {
namespace {

using Kind = Origin::Kind;

uint64_t Key(EndpointRef ref) {
  return static_cast<uint64_t>(ref.service) << 32 | static_cast<uint32_t>(ref.endpoint);
}

using OriginsByEndpoint = std::unordered_map<uint64_t, std::vector<Origin>>;

// Everybody who connects to an endpoint: services that need it and apps that use it.
OriginsByEndpoint ClientsOf(const Graph& graph) {
  OriginsByEndpoint clients;
  for (size_t i = 0; i < graph.services.size(); ++i) {
    for (const Need& need : graph.services[i].needs) {
      if (!need.to.known()) continue;
      clients[Key(need.to)].push_back({Kind::kMembers, static_cast<int>(i), {}, {}, "needs it"});
    }
  }
  for (size_t i = 0; i < graph.apps.size(); ++i) {
    for (const EndpointRef& to : graph.apps[i].uses) {
      if (!to.known()) continue;
      clients[Key(to)].push_back({Kind::kApp, static_cast<int>(i), {}, {}, "uses it"});
    }
  }
  return clients;
}

class Builder {
 public:
  Builder(Graph& graph) : g_(graph), clients_(ClientsOf(graph)) {
    for (size_t i = 0; i < g_.balancers.size(); ++i) {
      for (const EndpointRef& ref : g_.balancers[i].listeners) {
        if (ref.known()) balancers_[Key(ref)].push_back(static_cast<int>(i));
      }
    }
  }

  void Run() {
    for (size_t i = 0; i < g_.services.size(); ++i) AddOwn(static_cast<int>(i));
  }

 private:
  void AddOwn(int service) {
    const Service& s = g_.services[service];
    for (size_t e = 0; e < s.manifest->endpoints.size(); ++e) {
      const EndpointRef ref{service, static_cast<int>(e)};
      const module::Endpoint& declared = g_.Declared(ref);
      Listener listener{service, ref, g_.PortOf(ref), declared.protocol, {}};
      if (declared.services) AddServices(ref, listener);
      if (declared.peers) listener.origins.push_back({Kind::kMembers, service, {}, {}, "peers"});
      if (declared.admin) AddInstallHost(listener);
      if (declared.remote_admin) AddAdmins(listener);
      if (s.proxy >= 0 && (declared.proxy || declared.clients)) {
        listener.origins.push_back({Kind::kMembers, s.proxy, {}, {}, "the proxy in front"});
      }
      if (declared.clients && s.proxy < 0) AddClients(ref, listener);
      g_.listeners.push_back(std::move(listener));
    }
    for (int fronted : s.fronted) AddFronts(service, fronted);
  }

  // A proxy listens on the port of the endpoint that it stands for.
  void AddFronts(int proxy, int fronted) {
    const Service& s = g_.services[fronted];
    for (size_t e = 0; e < s.manifest->endpoints.size(); ++e) {
      const EndpointRef ref{fronted, static_cast<int>(e)};
      if (!g_.Declared(ref).clients) continue;
      Listener listener{proxy, ref, g_.PortOf(ref), g_.Declared(ref).protocol, {}};
      AddClients(ref, listener);
      g_.listeners.push_back(std::move(listener));
    }
  }

  // Those that need it by name come by themselves, past every proxy.
  void AddServices(EndpointRef ref, Listener& listener) {
    const auto clients = clients_.find(Key(ref));
    if (clients == clients_.end()) return;
    for (const Origin& client : clients->second) {
      if (client.kind == Kind::kMembers) listener.origins.push_back(client);
    }
  }

  void AddInstallHost(Listener& listener) {
    if (g_.install >= 0)
      listener.origins.push_back({Kind::kServers, -1, {g_.install}, {}, "the install host"});
  }

  void AddAdmins(Listener& listener) {
    for (const Word& address : g_.model->admin) {
      listener.origins.push_back({Kind::kAddress, -1, {}, address, "an admin address"});
    }
  }

  // Clients come through the balancer when there is one, else by themselves. Those on a proxy's own
  // host use the loopback, which no rule has to admit.
  void AddClients(EndpointRef ref, Listener& listener) {
    const auto balancers = balancers_.find(Key(ref));
    if (balancers != balancers_.end()) {
      for (int balancer : balancers->second) {
        listener.origins.push_back({Kind::kBalancer, balancer, {}, {}, "the load balancer"});
      }
      return;
    }
    for (const Origin& client : clients_[Key(ref)]) listener.origins.push_back(client);
    // The members test their own front door.
    if (listener.fronted())
      listener.origins.push_back({Kind::kMembers, ref.service, {}, {}, "validation"});
  }

  Graph& g_;
  OriginsByEndpoint clients_;
  std::unordered_map<uint64_t, std::vector<int>> balancers_;
};

void AddAllowance(Graph& graph, const model::Allowance& allowance, const ServerIndex& index,
                  Diagnostics& diags) {
  const EndpointRef to = graph.FindEndpoint(allowance.to.text);
  if (!to.known()) {
    diags.Emit(diag::kUnknownService, allowance.to.span, {.help = "write service.endpoint"},
               allowance.to.text);
    return;
  }
  for (Listener& listener : graph.listeners) {
    if (listener.endpoint != to || listener.fronted()) continue;
    if (allowance.servers.span.known()) {
      listener.origins.push_back({Kind::kServers,
                                  -1,
                                  index.Select(allowance.servers, "`allow`", diags),
                                  {},
                                  allowance.why.text});
    }
    for (const Word& network : allowance.networks) {
      if (!ParseCidr(network.text) && !ParseIpv4(network.text)) {
        diags.Emit(diag::kWrongValue, network.span, network.text, "an IPv4 address or network");
        continue;
      }
      listener.origins.push_back({Kind::kAddress, -1, {}, network, allowance.why.text});
    }
  }
}

}  // namespace

void AddListeners(Graph& graph, const ServerIndex& index, Diagnostics& diags);

void AddListeners(Graph& graph, const ServerIndex& index, Diagnostics& diags) {
  Builder(graph).Run();
  for (const model::Allowance& allowance : graph.model->allowances)
    AddAllowance(graph, allowance, index, diags);
}

}  // namespace kb::graph
