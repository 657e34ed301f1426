#include "lower/scope.h"

#include <algorithm>

#include <fmt/core.h>

#include "base/strings.h"
#include "lower/shared.h"
#include "lower/types.h"
#include "services/hook.h"

namespace kb::lower {

using tmpl::Arena;
using tmpl::RecordBuilder;
using tmpl::Type;
using tmpl::Value;

Scopes::Shared::Shared(const graph::Graph& g) : graph(g), listeners_of(g.services.size()) {
  for (size_t i = 0; i < g.listeners.size(); ++i) {
    listeners_of[g.listeners[i].owner].push_back(static_cast<int>(i));
  }
  estate = arena.Values(g.model->servers.size());
  for (size_t i = 0; i < estate.size(); ++i)
    estate[i] = ServerRecord(static_cast<int>(i), static_cast<int>(i) + 1);
  const auto index_field = static_cast<size_t>(ServerType()->IndexOf("index"));
  for (const graph::Service& service : g.services) {
    if (!types.contains(service.manifest)) {
      types.emplace(service.manifest, ScopeType(*service.manifest, Standpoint::kOnce, *g.library));
    }
    // A service on every server shares the records of the estate: there the index is the same.
    if (service.members.size() == estate.size()) {
      members.push_back(estate);
      continue;
    }
    const auto records = arena.Values(service.members.size());
    for (size_t i = 0; i < records.size(); ++i) {
      const Value& server = estate[service.members[i]];
      const auto fields = arena.Values(server.size);
      std::ranges::copy(server.list(), fields.begin());
      fields[index_field] = Value::Int(static_cast<int64_t>(i) + 1);
      records[i] = Value::Record(fields, server.origin);
    }
    members.push_back(records);
  }
  for (size_t i = 0; i < g.services.size(); ++i)
    services.push_back(SharedScope(static_cast<int>(i)));
}

Value Scopes::Shared::SharedScope(int index) {
  const graph::Service& service = graph.services[index];
  const Type& type = TypeOf(index);
  RecordBuilder scope(type, arena);
  scope.Set("topology", Topology()).Set("network", Network()).Set("install", Install());
  scope.Set("members", Value::List(members[index])).Set("peers", Value::List(members[index]));
  scope.Set("quorum", Value::Int(static_cast<int64_t>(service.members.size()) / 2 + 1));
  scope.Set("settings", Value::Record(service.settings, service.model->span));
  SetNames(index, scope);
  SetAccess(index, scope);
  scope.Set("databases", Resources(service.databases, {}, arena))
      .Set("vhosts", Resources(service.vhosts, {}, arena))
      .Set("buckets", Resources(service.buckets, {}, arena))
      .Set("roles", Roles(service, {}, arena));
  scope.Set("fronts", Fronts(index, ItemType(type, "fronts")))
      .Set("steps", Steps(index, ItemType(type, "steps")));
  scope.Set("needs", Needs(index, -1, FieldType(type, "needs"), arena));
  scope.Set("estate", Value::List(estate));
  scope.Set("files", Value::List({}));
  scope.Set("host", EmptyHost(FieldType(type, "host")))
      .Set("firewall", EmptyFirewall(FieldType(type, "firewall")));
  scope.Set("flows",
            service.manifest->owns_firewall ? Flows(ItemType(type, "flows")) : Value::List({}));
  const auto only_if = [&](bool owner, Value (Shared::*make)(const Type&), std::string_view name) {
    scope.Set(name, owner ? (this->*make)(ItemType(type, name)) : Value::List({}));
  };
  only_if(service.manifest->owns_balancers, &Shared::LoadBalancers, "load_balancers");
  scope.Set("dns", Dns(FieldType(type, "dns")));
  const services::Hook* hook = services::FindHook(service.manifest->name.text);
  scope.Set("computed", hook != nullptr && hook->compute != nullptr
                            ? hook->compute(graph, index, members[index], arena)
                            : Value::Record({}));
  return scope.Finish(service.model->span);
}

void Scopes::Shared::SetNames(int index, RecordBuilder& scope) {
  const graph::Service& s = graph.services[index];
  const module::Manifest& manifest = *s.manifest;
  const Type& type = TypeOf(index);
  RecordBuilder service(FieldType(type, "service"), arena);
  const std::string folder = fmt::format("{}-{}", manifest.label, s.name().text);
  service.Set("name", AtomOf(s.name())).Set("module", AtomOf(manifest.name));
  service.Set("label", Value::Atom(manifest.label)).Set("folder", Value::Atom(arena.Copy(folder)));
  scope.Set("service", service.Set("summary", Value::Text(manifest.summary)).Finish(s.model->span));

  RecordBuilder images(FieldType(type, "images"), arena);
  for (size_t i = 0; i < manifest.images.size(); ++i) {
    const model::ImageVersion* image = s.images[i];
    if (image == nullptr) continue;
    RecordBuilder record(*ImageType(), arena);
    record.Set("ref", AtomOf(image->ref))
        .Set("name", Value::Atom(image->image.name, image->ref.span));
    images.Set(manifest.images[i].name.text,
               record.Set("tag", Value::Atom(image->image.tag, image->ref.span)).Finish());
  }
  scope.Set("images", images.Finish());
  RecordBuilder packages(FieldType(type, "packages"), arena);
  for (size_t i = 0; i < manifest.packages.size(); ++i) {
    const model::PackageVersion* package = s.packages[i];
    if (package != nullptr)
      packages.Set(manifest.packages[i].name.text,
                   Value::Text(package->version.text, package->version.span));
  }
  scope.Set("packages", packages.Finish());
  RecordBuilder secrets(FieldType(type, "secrets"), arena);
  for (size_t i = 0; i < manifest.secrets.size(); ++i) {
    if (s.secrets[i] != nullptr)
      secrets.Set(manifest.secrets[i].name.text, SecretRecord(s.secrets[i], arena));
  }
  scope.Set("secrets", secrets.Finish());
}

Scopes::Scopes(const graph::Graph& graph) : shared_(std::make_unique<Shared>(graph)) {}

Scopes::~Scopes() = default;

Value Scopes::Make(int service, int server, Arena& arena) const {
  const Value& common = shared_->services[service];
  if (server < 0) return common;
  const Type& type = shared_->TypeOf(service);
  const auto fields = arena.Values(common.size);
  std::ranges::copy(common.list(), fields.begin());
  const auto set = [&](std::string_view name, Value value) { fields[type.IndexOf(name)] = value; };
  const graph::Service& s = shared_->graph.services[service];
  const auto position =
      static_cast<size_t>(std::ranges::lower_bound(s.members, server) - s.members.begin());
  const auto members = shared_->members[service];
  set("self", members[position]);
  if (s.manifest->reads_peers) {
    const auto peers = arena.Values(members.size() - 1);
    std::ranges::copy(members.first(position), peers.begin());
    std::ranges::copy(members.subspan(position + 1),
                      peers.begin() + static_cast<ptrdiff_t>(position));
    set("peers", Value::List(peers));
  }
  if (!s.needs.empty())
    set("needs", shared_->Needs(service, server, FieldType(type, "needs"), arena));
  if (s.manifest->owns_host) set("host", shared_->Host(server, FieldType(type, "host"), arena));
  if (s.manifest->owns_firewall)
    set("firewall", shared_->Firewall(server, FieldType(type, "firewall"), arena));
  const Value scope = Value::Record(fields, common.origin);
  if (s.manifest->reads_files)
    set("files", shared_->Files(service, ItemType(type, "files"), *this, scope, arena));
  return scope;
}

bool Scopes::Exists(int service, const module::Output& output, const Value& scope) const {
  if (output.when.empty()) return true;
  const Type* type = &shared_->TypeOf(service);
  Value value = scope;
  for (std::string_view part : Split(output.when, '.')) {
    const int index = type->IndexOf(part);
    if (index < 0 || value.kind != tmpl::Kind::kRecord) return false;
    value = value.list()[index];
    type = type->fields[index].type.get();
  }
  switch (value.kind) {
    case tmpl::Kind::kAbsent:
      return false;
    case tmpl::Kind::kBool:
      return value.number != 0;
    case tmpl::Kind::kList:
      return value.size > 0;
    default:
      return true;
  }
}

}  // namespace kb::lower
