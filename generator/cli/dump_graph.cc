#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/dump.h"

namespace kb::cli {
namespace {

using graph::EndpointRef;
using graph::Graph;
using graph::Origin;
using Json = nlohmann::ordered_json;

std::string_view ServerName(const Graph& graph, int server) {
  return graph.model->servers[static_cast<size_t>(server)].name().text;
}

const graph::Service& ServiceAt(const Graph& graph, int service) {
  return graph.services[static_cast<size_t>(service)];
}

Json ServerNames(const Graph& graph, const std::vector<int>& servers) {
  Json names = Json::array();
  for (const int server : servers) names.push_back(ServerName(graph, server));
  return names;
}

Json ServiceName(const Graph& graph, int service) {
  return service < 0 ? Json() : Json(ServiceAt(graph, service).name().text);
}

// "postgres.sql"
Json EndpointName(const Graph& graph, EndpointRef ref) {
  if (!ref.known()) return nullptr;
  const std::string_view service = ServiceAt(graph, ref.service).name().text;
  if (ref.endpoint < 0) return Json(service);
  return fmt::format("{}.{}", service, graph.Declared(ref).name.text);
}

Json AddressJson(const graph::Address& address) {
  return address.host.empty() ? Json() : Json(fmt::format("{}:{}", address.host, address.port));
}

Json EndpointsJson(const Graph& graph, int service) {
  Json endpoints = Json::array();
  const auto& declared = ServiceAt(graph, service).manifest->endpoints;
  for (size_t i = 0; i < declared.size(); ++i) {
    const EndpointRef ref = {service, static_cast<int>(i)};
    endpoints.push_back(
        {{"name", declared[i].name.text},
         {"port", graph.PortOf(ref)},
         {"protocol", declared[i].protocol},
         {"official", declared[i].clients ? AddressJson(graph.OfficialAddress(ref)) : Json()}});
  }
  return endpoints;
}

Json ServiceJson(const Graph& graph, int index) {
  const graph::Service& service = ServiceAt(graph, index);
  Json needs = Json::object();
  for (size_t i = 0; i < service.needs.size(); ++i) {
    needs[std::string(service.manifest->needs[i].name.text)] =
        EndpointName(graph, service.needs[i].to);
  }
  Json databases = Json::array();
  for (const graph::Resource& database : service.databases) {
    databases.push_back(
        {{"name", database.name.text}, {"owner", database.owner.text}, {"apps", database.apps}});
  }
  Json fronted = Json::array();
  for (const int other : service.fronted) fronted.push_back(ServiceName(graph, other));
  return {{"name", service.name().text},
          {"module", service.manifest->name.text},
          {"members", ServerNames(graph, service.members)},
          {"proxy", ServiceName(graph, service.proxy)},
          {"entry", service.entry < 0 ? Json() : Json(ServerName(graph, service.entry))},
          {"endpoints", EndpointsJson(graph, index)},
          {"needs", std::move(needs)},
          {"databases", std::move(databases)},
          {"fronts", std::move(fronted)}};
}

Json OriginJson(const Graph& graph, const Origin& origin) {
  Json json = {{"kind", nullptr}, {"from", nullptr}, {"why", origin.why}};
  const auto index = static_cast<size_t>(std::max(origin.index, 0));
  switch (origin.kind) {
    case Origin::Kind::kMembers:
      json["kind"] = "service", json["from"] = ServiceName(graph, origin.index);
      break;
    case Origin::Kind::kApp:
      json["kind"] = "app", json["from"] = graph.apps[index].model->name.text;
      break;
    case Origin::Kind::kServers:
      json["kind"] = "servers", json["from"] = ServerNames(graph, origin.servers);
      break;
    case Origin::Kind::kAddress:
      json["kind"] = "address", json["from"] = origin.address.text;
      break;
    case Origin::Kind::kBalancer:
      json["kind"] = "load_balancer", json["from"] = graph.balancers[index].model->name.text;
      break;
  }
  return json;
}

Json ListenerJson(const Graph& graph, const graph::Listener& listener) {
  Json origins = Json::array();
  for (const Origin& origin : listener.origins) origins.push_back(OriginJson(graph, origin));
  return {{"on", ServiceName(graph, listener.owner)},
          {"endpoint", EndpointName(graph, listener.endpoint)},
          {"port", listener.port},
          {"protocol", listener.protocol},
          {"from", std::move(origins)}};
}

}  // namespace

Json DumpGraph(const Graph& graph) {
  Json services = Json::array();
  for (size_t i = 0; i < graph.services.size(); ++i) {
    services.push_back(ServiceJson(graph, static_cast<int>(i)));
  }
  Json apps = Json::array();
  for (const graph::App& app : graph.apps) {
    Json uses = Json::array();
    for (const EndpointRef ref : app.uses) uses.push_back(EndpointName(graph, ref));
    apps.push_back({{"name", app.model->name.text},
                    {"members", ServerNames(graph, app.members)},
                    {"uses", std::move(uses)}});
  }
  Json balancers = Json::array();
  for (const graph::Balancer& balancer : graph.balancers) {
    Json listeners = Json::array();
    for (const EndpointRef ref : balancer.listeners) listeners.push_back(EndpointName(graph, ref));
    balancers.push_back({{"name", balancer.model->name.text},
                         {"targets", ServiceName(graph, balancer.targets)},
                         {"listeners", std::move(listeners)}});
  }
  Json listeners = Json::array();
  for (const graph::Listener& listener : graph.listeners)
    listeners.push_back(ListenerJson(graph, listener));
  return {{"services", std::move(services)},
          {"apps", std::move(apps)},
          {"load_balancers", std::move(balancers)},
          {"listeners", std::move(listeners)}};
}

}  // namespace kb::cli
