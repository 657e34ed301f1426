// Inventory and network: addresses, unmanaged machines, volumes, owners of the hosts.
#include <algorithm>
#include <map>

#include "check/rules.h"
#include "diag/kinds.h"

namespace kb::check {

using model::Column;

void CheckAddresses(const Context& c, Diagnostics& diags) {
  std::map<uint32_t, const model::Balancer*> balancers;
  for (const model::Balancer& balancer : c.model.balancers) {
    const auto ip = ParseIpv4(balancer.private_ip.text);
    if (!ip) continue;
    if (!c.model.network.Contains(*ip)) {
      diags.Emit(diag::kOutsideNetwork, balancer.private_ip.span,
                 {.labels = {{c.model.private_network.span, "the private network"}}},
                 balancer.name.text, balancer.private_ip.text, c.model.private_network.text);
    }
    const auto [first, fresh] = balancers.emplace(*ip, &balancer);
    if (fresh) continue;
    diags.Emit(diag::kAddressTaken, balancer.private_ip.span,
               {.labels = {{first->second->private_ip.span, "used here"}}},
               balancer.private_ip.text, balancer.name.text, first->second->name.text);
  }
  for (const model::Server& server : c.model.servers) {
    const Word& ip = server[Column::kPrivateIp];
    if (server.ip == 0) continue;
    if (!c.model.network.Contains(server.ip)) {
      diags.Emit(diag::kOutsideNetwork, ip.span,
                 {.labels = {{c.model.private_network.span, "the private network"}}},
                 server.name().text, ip.text, c.model.private_network.text);
    }
    const auto balancer = balancers.find(server.ip);
    if (balancer == balancers.end()) continue;
    diags.Emit(diag::kAddressTaken, ip.span,
               {.labels = {{balancer->second->private_ip.span, "used here"}}}, ip.text,
               server.name().text, balancer->second->name.text);
  }
}

void CheckUnmanaged(const Context& c, Diagnostics& diags) {
  for (const Word& name : c.model.unmanaged) {
    for (const model::Server& server : c.model.servers) {
      const Word& fqdn = server[Column::kFqdn];
      const std::string_view first_label = fqdn.text.substr(0, fqdn.text.find('.'));
      if (server.name().text != name.text && first_label != name.text) continue;
      diags.Emit(diag::kUnmanagedServer, server.name().span,
                 {.labels = {{name.span, "declared unmanaged here"}}}, name.text);
    }
  }
}

void CheckVolumes(const Context& c, Diagnostics& diags) {
  size_t unknown = 0;
  const model::Volume* first = nullptr;
  for (const model::Volume& volume : c.model.volumes) {
    if (!volume.device.empty()) continue;
    if (first == nullptr) first = &volume;
    ++unknown;
  }
  if (first != nullptr)
    diags.Emit(diag::kUnknownDevices, first->device.span, static_cast<int64_t>(unknown));
}

// Every managed host has exactly one firewall and one base configuration.
void CheckOwners(const Context& c, Diagnostics& diags) {
  // A service whose module is unknown could have been the owner; that is reported already.
  if (c.graph.services.size() != c.model.services.size()) return;
  for (size_t i = 0; i < c.graph.services_on.size(); ++i) {
    const model::Server& server = c.model.servers[i];
    const graph::Service* owner = nullptr;
    for (int s : c.graph.services_on[i]) {
      const graph::Service& service = c.graph.services[s];
      if (!service.manifest->owns_firewall && !service.manifest->owns_host) continue;
      if (owner != nullptr) {
        diags.Emit(diag::kTwoOwners, service.model->nodes.span,
                   {.labels = {{owner->model->nodes.span, "the other one"},
                               {server.name().span, "this server"}},
                    .help = "make their selectors disjoint"},
                   server.name().text, owner->name().text, service.name().text);
      }
      owner = &service;
    }
    if (owner == nullptr)
      diags.Emit(diag::kNoOwner, server.name().span,
                 {.help = "let the service of a module that `owns` them select it"},
                 server.name().text);
  }
}

}  // namespace kb::check
