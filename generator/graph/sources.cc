#include "graph/sources.h"

#include <algorithm>

namespace kb::graph {
namespace {

void AddSources(const Graph& graph, const Origin& origin, std::vector<Source>& out) {
  const auto add = [&](const std::vector<int>& servers) {
    for (int server : servers) out.push_back({graph.model->servers[server].ip, 32});
  };
  switch (origin.kind) {
    case Origin::Kind::kMembers:
      return add(graph.services[origin.index].members);
    case Origin::Kind::kApp:
      return add(graph.apps[origin.index].members);
    case Origin::Kind::kServers:
      return add(origin.servers);
    case Origin::Kind::kBalancer: {
      const auto ip = ParseIpv4(graph.balancers[origin.index].model->private_ip.text);
      if (ip) out.push_back({*ip, 32});
      return;
    }
    case Origin::Kind::kAddress: {
      const auto cidr = ParseCidr(origin.address.text);
      const auto ip = ParseIpv4(origin.address.text);
      if (cidr) out.push_back({cidr->address, cidr->bits});
      if (ip) out.push_back({*ip, 32});
      return;
    }
  }
}

}  // namespace

std::vector<Source> SourcesOf(const Graph& graph, const Listener& listener) {
  std::vector<Source> sources;
  for (const Origin& origin : listener.origins) AddSources(graph, origin, sources);
  std::ranges::sort(sources);
  const auto repeats = std::ranges::unique(sources);
  sources.erase(repeats.begin(), repeats.end());
  return sources;
}

}  // namespace kb::graph
