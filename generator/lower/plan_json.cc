// PLAN.json: what a runner must know of the steps. A record has every key, always; nothing is null.
#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "lower/plan.h"

namespace kb::lower {
namespace {

using Json = nlohmann::ordered_json;

Json StepJson(const graph::Graph& graph, const graph::Service& service, const module::Step& step) {
  Json after = Json::array();
  for (const Word& name : step.after) after.push_back(name.text);
  Json hosts = Json::array();
  if (step.on_install && graph.install >= 0) {
    hosts.push_back(graph.model->servers[graph.install].name().text);
  } else if (!step.on_install) {
    for (int member : service.members) {
      hosts.push_back(graph.model->servers[member].name().text);
      if (step.strategy == module::Strategy::kFirst) break;
    }
  }
  return {{"name", step.name.text},
          {"kind", module::Name(step.kind)},
          {"strategy", module::Name(step.strategy)},
          {"script", fmt::format("{}-{}/{}.sh", service.manifest->label, service.name().text,
                                 step.name.text)},
          {"after", std::move(after)},
          {"hosts", std::move(hosts)},
          {"help", step.help}};
}

// Which hosts must hold which keys of which credential file.
Json CredentialsJson(const graph::Graph& graph, const graph::Service& service) {
  std::vector<const model::Credential*> read;
  const auto add = [&](const model::Credential* credential) {
    if (credential != nullptr && std::ranges::find(read, credential) == read.end())
      read.push_back(credential);
  };
  for (const model::Credential* credential : service.secrets) add(credential);
  for (const graph::Role& role : service.roles) add(role.credential);
  for (const graph::Need& need : service.needs) {
    if (!need.to.known()) continue;
    for (const graph::Role& role : graph.services[need.to.service].roles) add(role.credential);
  }
  Json rows = Json::array();
  for (const model::Credential* credential : read) {
    rows.push_back({{"name", credential->name.text},
                    {"file", credential->file.text},
                    {"key", credential->key.text}});
  }
  return rows;
}

// What must be installed before: the hosts themselves, what it needs, and the proxies on the way.
Json NeedsJson(const graph::Graph& graph, const graph::Service& service) {
  Json needs = Json::array();
  const auto add = [&](const graph::Service& other) {
    const std::string name(other.name().text);
    if (&other != &service && std::ranges::find(needs, Json(name)) == needs.end())
      needs.push_back(name);
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
  return needs;
}

}  // namespace

std::string PlanJson(const graph::Graph& graph) {
  Json services = Json::array();
  for (const graph::Service& service : graph.services) {
    Json steps = Json::array();
    for (const module::Step& step : service.manifest->steps)
      steps.push_back(StepJson(graph, service, step));
    services.push_back({{"name", service.name().text},
                        {"module", service.manifest->name.text},
                        {"label", service.manifest->label},
                        {"needs", NeedsJson(graph, service)},
                        {"credentials", CredentialsJson(graph, service)},
                        {"steps", std::move(steps)}});
  }
  const Json plan = {{"kbgen", 1},
                     {"topology", graph.model->name.text},
                     {"root", graph.model->install_root.text},
                     {"install", graph.model->install_host.text},
                     {"services", std::move(services)}};
  return plan.dump(1, ' ') + "\n";
}

}  // namespace kb::lower
