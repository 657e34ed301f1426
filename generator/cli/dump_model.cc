#include <nlohmann/json.hpp>

#include "cli/dump.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;
using model::Column;

constexpr std::array<std::string_view, model::kColumns> kColumnNames = {
    "env",  "public_ip", "name",    "private_ip",   "fqdn", "user",
    "pool", "role",      "subrole", "docker_stack", "core", "notes"};

Json OrNull(std::string_view text) { return text.empty() ? Json() : Json(text); }

Json Texts(const std::vector<Word>& words) {
  Json list = Json::array();
  for (const Word& word : words) list.push_back(word.text);
  return list;
}

Json ServerJson(const model::Model& model, const model::Server& server) {
  Json json = Json::object();
  for (size_t i = 0; i < model::kColumns; ++i) {
    json[kColumnNames[i]] = server[static_cast<Column>(i)].text;
  }
  json["os"] = OrNull(server.os);
  json["volume"] = nullptr;
  if (server.volume >= 0) {
    const model::Volume& volume = model.volumes[static_cast<size_t>(server.volume)];
    json["volume"] = {{"device", OrNull(volume.device.text)},
                      {"mount", volume.mount.text},
                      {"filesystem", volume.filesystem.text},
                      {"size_gb", volume.size_gb}};
  }
  return json;
}

Json NetworkJson(const model::Model& model) {
  return {{"private", model.private_network.text},
          {"domain", model.domain.text},
          {"resolvers", Texts(model.resolvers)},
          {"fallback_resolvers", Texts(model.fallback_resolvers)},
          {"ntp", Texts(model.ntp)},
          {"admin", Texts(model.admin)}};
}

Json BalancerJson(const model::Balancer& balancer) {
  Json listeners = Json::array();
  for (const model::BalancerListener& listener : balancer.listeners) {
    listeners.push_back({{"to", listener.to.text},
                         {"port", OrNull(listener.port.text)},
                         {"protocol", listener.protocol},
                         {"certificate", OrNull(listener.certificate.text)}});
  }
  return {{"name", balancer.name.text},
          {"provider", OrNull(balancer.provider.text)},
          {"private_ip", OrNull(balancer.private_ip.text)},
          {"public_ip", OrNull(balancer.public_ip.text)},
          {"targets", balancer.targets.text},
          {"listeners", std::move(listeners)}};
}

}  // namespace

Json DumpModel(const model::Model& model) {
  Json json = {{"name", model.name.text},
               {"network", NetworkJson(model)},
               {"install", {{"host", model.install_host.text}, {"root", model.install_root.text}}},
               {"unmanaged", Texts(model.unmanaged)}};
  const auto list = [&json](const char* key, const auto& rows, const auto& to_json) {
    json[key] = Json::array();
    for (const auto& row : rows) json[key].push_back(to_json(row));
  };
  list("servers", model.servers, [&](const auto& server) { return ServerJson(model, server); });
  list("images", model.images, [](const auto& image) {
    return Json{{"name", image.name.text}, {"ref", image.ref.text}, {"build", image.build}};
  });
  list("packages", model.packages, [](const auto& package) {
    return Json{{"name", package.name.text}, {"version", package.version.text}};
  });
  list("credentials", model.credentials, [](const auto& credential) {
    return Json{{"name", credential.name.text},
                {"file", credential.file.text},
                {"key", credential.key.text}};
  });
  list("load_balancers", model.balancers, BalancerJson);
  list("services", model.services, [](const auto& service) {
    return Json{{"name", service.name.text},
                {"module", service.module.text},
                {"proxy", OrNull(service.proxy.text)},
                {"entry", OrNull(service.entry.text)}};
  });
  list("apps", model.apps, [](const auto& app) {
    Json uses = Json::array();
    for (const model::Use& use : app.uses) {
      uses.push_back({{"service", use.service.text},
                      {"route", OrNull(use.route.text)},
                      {"database", OrNull(use.database.text)},
                      {"vhost", OrNull(use.vhost.text)},
                      {"buckets", Texts(use.buckets)},
                      {"role", OrNull(use.role.text)}});
    }
    return Json{{"name", app.name.text}, {"uses", std::move(uses)}};
  });
  return json;
}

}  // namespace kb::cli
