// Servers, secrets, databases, files and steps as records.
#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

#include "lower/plan.h"
#include "lower/shared.h"
#include "lower/types.h"

namespace kb::lower {

using model::Column;
using tmpl::Arena;
using tmpl::RecordBuilder;
using tmpl::Type;
using tmpl::Value;

Value AtomsOf(const std::vector<Word>& words, Arena& arena) {
  const auto values = arena.Values(words.size());
  for (size_t i = 0; i < words.size(); ++i) values[i] = AtomOf(words[i]);
  return Value::List(values);
}

Value AtomsOf(const std::vector<std::string_view>& texts, Arena& arena) {
  const auto values = arena.Values(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) values[i] = Value::Atom(texts[i]);
  return Value::List(values);
}

Value Scopes::Shared::ServerRecord(int server, int index) {
  const model::Server& s = graph.model->servers[server];
  RecordBuilder record(*ServerType(), arena);
  record.Set("name", AtomOf(s.name())).Set("ip", AtomOf(s[Column::kPrivateIp]));
  record.Set("public_ip", AtomOf(s[Column::kPublicIp])).Set("fqdn", AtomOf(s[Column::kFqdn]));
  record.Set("user", AtomOf(s[Column::kUser])).Set("pool", AtomOf(s[Column::kPool]));
  record.Set("role", AtomOf(s[Column::kRole])).Set("subrole", AtomOf(s[Column::kSubrole]));
  record.Set("docker_stack", AtomOf(s[Column::kDockerStack])).Set("os", Value::Atom(s.os));
  record.Set("notes", Value::Text(s[Column::kNotes].text, s[Column::kNotes].span));
  record.Set("core", Value::Bool(s[Column::kCore].text == "yes", s[Column::kCore].span));
  record.Set("index", Value::Int(index)).Set("install", Value::Bool(server == graph.install));
  if (s.volume >= 0) {
    const model::Volume& v = graph.model->volumes[s.volume];
    RecordBuilder volume(*VolumeType(), arena);
    if (!v.device.empty()) volume.Set("device", AtomOf(v.device));
    volume.Set("mount", AtomOf(v.mount)).Set("filesystem", AtomOf(v.filesystem));
    volume.Set("size_gb", Value::Int(v.size_gb));
    record.Set("volume", volume.Finish(v.mount.span));
  }
  return record.Finish(s.name().span);
}

Value Scopes::Shared::Topology() {
  RecordBuilder record(*TopologyType(), arena);
  return record.Set("name", AtomOf(graph.model->name))
      .Set("domain", AtomOf(graph.model->domain))
      .Finish();
}

Value Scopes::Shared::Network() {
  const model::Model& m = *graph.model;
  RecordBuilder record(*NetworkType(), arena);
  record.Set("private", AtomOf(m.private_network)).Set("resolvers", AtomsOf(m.resolvers, arena));
  record.Set("fallback_resolvers", AtomsOf(m.fallback_resolvers, arena))
      .Set("ntp", AtomsOf(m.ntp, arena));
  return record.Set("admin", AtomsOf(m.admin, arena)).Finish();
}

Value Scopes::Shared::Install() {
  const model::Model& m = *graph.model;
  RecordBuilder record(*InstallType(), arena);
  record.Set("name", AtomOf(m.install_host)).Set("root", AtomOf(m.install_root));
  record.Set("ip", graph.install < 0 ? Value::Atom("0.0.0.0")
                                     : AtomOf(m.servers[graph.install][Column::kPrivateIp]));
  const std::string credentials = fmt::format("{}/credentials", m.install_root.text);
  return record.Set("credentials", Value::Atom(arena.Copy(credentials), m.install_root.span))
      .Finish();
}

Value Scopes::Shared::SecretRecord(const model::Credential* credential, Arena& into) const {
  RecordBuilder record(*SecretType(), into);
  const std::string_view root = graph.model->install_root.text;
  const std::string file = fmt::format("{}/credentials/{}", root, credential->file.text);
  const std::string token = fmt::format("@@{}:{}@@", credential->file.text, credential->key.text);
  record.Set("file", Value::Atom(into.Copy(file), credential->file.span));
  record.Set("key", AtomOf(credential->key));
  record.Set("token", Value::Atom(into.Copy(token), credential->name.span));
  Value secret = record.Finish(credential->name.span);
  secret.kind = tmpl::Kind::kSecret;
  return secret;
}

// Those that clients reach by `route`; an empty route means all of them.
Value Scopes::Shared::Resources(const std::vector<graph::Resource>& all, std::string_view route,
                                Arena& into) const {
  std::vector<Value> records;
  for (const graph::Resource& resource : all) {
    if (!route.empty() && std::ranges::find(resource.routes, route) == resource.routes.end())
      continue;
    RecordBuilder record(*ResourceType(), into);
    record.Set("name", AtomOf(resource.name)).Set("owner", AtomOf(resource.owner));
    record.Set("extensions", AtomsOf(resource.extensions, into))
        .Set("apps", AtomsOf(resource.apps, into));
    records.push_back(record.Finish(resource.name.span));
  }
  return Value::List(into.CopyValues(records));
}

Value Scopes::Shared::Roles(const graph::Service& service, std::string_view route,
                            Arena& into) const {
  std::vector<Value> records;
  for (const graph::Role& role : service.roles) {
    const auto comes = [&](const std::vector<graph::Resource>& all) {
      return std::ranges::any_of(all, [&](const graph::Resource& r) {
        return r.owner.text == role.name.text &&
               std::ranges::find(r.routes, route) != r.routes.end();
      });
    };
    const bool wanted = route.empty() || comes(service.databases) || comes(service.vhosts) ||
                        comes(service.buckets);
    if (!wanted || role.credential == nullptr) continue;
    RecordBuilder record(*RoleType(), into);
    record.Set("name", AtomOf(role.name)).Set("secret", SecretRecord(role.credential, into));
    record.Set("databases", AtomsOf(role.databases, into));
    record.Set("vhosts", AtomsOf(role.vhosts, into)).Set("buckets", AtomsOf(role.buckets, into));
    records.push_back(record.Finish(role.name.span));
  }
  return Value::List(into.CopyValues(records));
}

Value Scopes::Shared::Steps(int index, const Type& type) {
  const graph::Service& service = graph.services[index];
  std::vector<Value> steps;
  for (const module::Step& step : service.manifest->steps) {
    std::span<const Value> hosts = members[index];
    if (step.strategy == module::Strategy::kFirst && !hosts.empty()) hosts = hosts.first(1);
    if (step.on_install && graph.install >= 0) hosts = estate.subspan(graph.install, 1);
    RecordBuilder record(type, arena);
    record.Set("name", AtomOf(step.name)).Set("kind", Value::Atom(module::Name(step.kind)));
    record.Set("strategy", Value::Atom(module::Name(step.strategy)));
    record.Set("on", Value::Atom(step.on_install ? "install" : "members"));
    steps.push_back(record.Set("hosts", Value::List(hosts))
                        .Set("help", Value::Text(step.help))
                        .Finish(step.name.span));
  }
  return Value::List(arena.CopyValues(steps));
}

Value Scopes::Shared::Host(int server, const Type& type, Arena& into) const {
  std::set<std::string_view> packages, modules;
  std::map<std::string_view, Word> sysctl;
  for (int s : graph.services_on[server]) {
    const module::HostNeeds& host = graph.services[s].manifest->host;
    for (const Word& package : host.packages) packages.insert(package.text);
    for (const Word& module : host.kernel_modules) modules.insert(module.text);
    for (const auto& [name, value] : host.sysctl) sysctl.emplace(name.text, value);
  }
  std::vector<Value> pairs;
  const Type& pair = ItemType(type, "sysctl");
  for (const auto& [name, value] : sysctl) {
    RecordBuilder record(pair, into);
    pairs.push_back(record.Set("name", Value::Atom(name))
                        .Set("value", Value::Text(value.text, value.span))
                        .Finish());
  }
  RecordBuilder record(type, into);
  record.Set("names", PeerNames(server, ItemType(type, "names"), into));
  record.Set("packages", AtomsOf(std::vector(packages.begin(), packages.end()), into));
  record.Set("kernel_modules", AtomsOf(std::vector(modules.begin(), modules.end()), into));
  return record.Set("sysctl", Value::List(into.CopyValues(pairs))).Finish();
}

// The members of every service of this server that wants its peers' names to resolve.
Value Scopes::Shared::PeerNames(int server, const Type& type, Arena& into) const {
  std::set<int> named;
  for (int s : graph.services_on[server]) {
    const graph::Service& service = graph.services[s];
    if (service.manifest->host.peer_names)
      named.insert(service.members.begin(), service.members.end());
  }
  std::vector<Value> names;
  for (int member : named) {
    const model::Server& s = graph.model->servers[member];
    RecordBuilder record(type, into);
    record.Set("name", AtomOf(s.name())).Set("ip", AtomOf(s[Column::kPrivateIp]));
    names.push_back(record.Finish(s.name().span));
  }
  return Value::List(into.CopyValues(names));
}

// Only the owner of these files sees what stands in them.
Value Scopes::Shared::EmptyHost(const Type& type) {
  RecordBuilder host(type, arena);
  host.Set("names", Value::List({}));
  host.Set("packages", Value::List({})).Set("kernel_modules", Value::List({}));
  return host.Set("sysctl", Value::List({})).Finish();
}

Value Scopes::Shared::Files(int index, const Type& type, const Scopes& scopes, const Value& scope,
                            Arena& into) const {
  const graph::Service& service = graph.services[index];
  std::vector<Value> files;
  for (const module::Output& output : service.manifest->outputs) {
    if (output.area != module::Area::kServer || output.step >= 0 ||
        !scopes.Exists(index, output, scope))
      continue;
    RecordBuilder record(type, into);
    const std::string path = HostPath(graph, index, output);
    record.Set("path", Value::Atom(into.Copy(path)))
        .Set("mode", Value::Atom(into.Copy(fmt::format("{:04o}", output.mode))));
    record.Set("owner", Value::Atom(output.owner));
    files.push_back(
        record.Set("secret", Value::Bool(output.holds_tokens)).Finish(output.tmpl.span));
  }
  return Value::List(into.CopyValues(files));
}

}  // namespace kb::lower
