#include "lower/scope.h"

#include <algorithm>
#include <set>

#include <fmt/core.h>

#include "base/strings.h"
#include "lower/plan.h"
#include "lower/types.h"

namespace kb::lower {
namespace {

using graph::EndpointRef;
using graph::Graph;
using graph::Listener;
using graph::Origin;
using model::Column;
using tmpl::Arena;
using tmpl::RecordBuilder;
using tmpl::Type;
using tmpl::TypeRef;
using tmpl::Value;

Value AtomOf(const Word& word) { return Value::Atom(word.text, word.span); }

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

const Type& FieldType(const Type& record, std::string_view name) {
  return *record.fields[record.IndexOf(name)].type;
}
const Type& ItemType(const Type& record, std::string_view name) { return *FieldType(record, name).element; }

// The addresses of an origin as numbers with prefix lengths, so that they sort as people expect.
struct Source {
  uint32_t address;
  int bits;
  friend auto operator<=>(const Source&, const Source&) = default;
};

std::string TextOf(const Source& source, bool always_mask) {
  const std::string ip = Ipv4Text(source.address);
  return source.bits == 32 && !always_mask ? ip : fmt::format("{}/{}", ip, source.bits);
}

void AddSources(const Graph& graph, const Origin& origin, std::vector<Source>& out) {
  const auto add = [&](const std::vector<int>& servers) {
    for (int server : servers) out.push_back({graph.model->servers[server].ip, 32});
  };
  switch (origin.kind) {
    case Origin::Kind::kMembers: return add(graph.services[origin.index].members);
    case Origin::Kind::kApp: return add(graph.apps[origin.index].members);
    case Origin::Kind::kServers: return add(origin.servers);
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

std::vector<Source> SourcesOf(const Graph& graph, const Listener& listener) {
  std::vector<Source> sources;
  for (const Origin& origin : listener.origins) AddSources(graph, origin, sources);
  std::ranges::sort(sources);
  const auto repeats = std::ranges::unique(sources);
  sources.erase(repeats.begin(), repeats.end());
  return sources;
}

std::string WhyOf(const Listener& listener) {
  std::vector<std::string> reasons;
  for (const Origin& origin : listener.origins) {
    if (std::ranges::find(reasons, origin.why) == reasons.end()) reasons.emplace_back(origin.why);
  }
  return Join(reasons, ", ");
}

}  // namespace

// What is made once: records of servers, and of every service the part that its members share.
struct Scopes::Shared {
  const Graph& graph;
  Arena arena;
  std::map<const module::Manifest*, TypeRef> types;
  std::vector<std::vector<int>> listeners_of;   // by owner
  std::span<Value> estate;                      // by server
  std::vector<std::span<const Value>> members;  // by service: records, `index` set
  std::vector<Value> services;                  // by service: the shared scope

  explicit Shared(const Graph& g);

  Value ServerRecord(int server, int index);
  Value Topology();
  Value Network();
  Value Install();
  Value SecretRecord(const model::Credential* credential, Arena& into) const;
  Value Databases(const graph::Service& service, std::string_view route, Arena& into) const;
  Value Roles(const graph::Service& service, std::string_view route, Arena& into) const;
  Value SharedScope(int service);
  void SetNames(int service, RecordBuilder& scope);
  void SetAccess(int service, RecordBuilder& scope);
  Value Fronts(int service, const Type& type);
  Value Steps(int service, const Type& type);
  Value Flows(const Type& type);
  Value Needs(int service, int server, const Type& type, Arena& into) const;
  Value Host(int server, const Type& type, Arena& into) const;
  Value Firewall(int server, const Type& type, Arena& into) const;
  Value EmptyHost(const Type& type);
  Value EmptyFirewall(const Type& type);
  Value Files(int service, const Type& type, const Scopes& scopes, const Value& scope, Arena& into) const;
  const Type& TypeOf(int service) const { return *types.at(graph.services[service].manifest); }
};

Scopes::Shared::Shared(const Graph& g) : graph(g), listeners_of(g.services.size()) {
  for (size_t i = 0; i < g.listeners.size(); ++i) {
    listeners_of[g.listeners[i].owner].push_back(static_cast<int>(i));
  }
  estate = arena.Values(g.model->servers.size());
  for (size_t i = 0; i < estate.size(); ++i) estate[i] = ServerRecord(static_cast<int>(i), static_cast<int>(i) + 1);
  const auto index_field = static_cast<size_t>(ServerType()->IndexOf("index"));
  for (const graph::Service& service : g.services) {
    if (!types.contains(service.manifest)) {
      types.emplace(service.manifest, ScopeType(*service.manifest, Standpoint::kOnce));
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
  for (size_t i = 0; i < g.services.size(); ++i) services.push_back(SharedScope(static_cast<int>(i)));
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
  static const TypeRef kType = ScopeType(module::Manifest{}, Standpoint::kOnce);
  RecordBuilder record(FieldType(*kType, "topology"), arena);
  return record.Set("name", AtomOf(graph.model->name)).Set("domain", AtomOf(graph.model->domain)).Finish();
}

Value Scopes::Shared::Network() {
  static const TypeRef kType = ScopeType(module::Manifest{}, Standpoint::kOnce);
  const model::Model& m = *graph.model;
  RecordBuilder record(FieldType(*kType, "network"), arena);
  record.Set("private", AtomOf(m.private_network)).Set("resolvers", AtomsOf(m.resolvers, arena));
  record.Set("fallback_resolvers", AtomsOf(m.fallback_resolvers, arena)).Set("ntp", AtomsOf(m.ntp, arena));
  return record.Set("admin", AtomsOf(m.admin, arena)).Finish();
}

Value Scopes::Shared::Install() {
  static const TypeRef kType = ScopeType(module::Manifest{}, Standpoint::kOnce);
  const model::Model& m = *graph.model;
  RecordBuilder record(FieldType(*kType, "install"), arena);
  record.Set("name", AtomOf(m.install_host)).Set("root", AtomOf(m.install_root));
  record.Set("ip", graph.install < 0 ? Value::Atom("0.0.0.0") : AtomOf(m.servers[graph.install][Column::kPrivateIp]));
  const std::string credentials = fmt::format("{}/credentials", m.install_root.text);
  return record.Set("credentials", Value::Atom(arena.Copy(credentials), m.install_root.span)).Finish();
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

// The databases that clients reach by `route`; an empty route means all of them.
Value Scopes::Shared::Databases(const graph::Service& service, std::string_view route, Arena& into) const {
  std::vector<Value> records;
  for (const graph::Database& database : service.databases) {
    if (!route.empty() && std::ranges::find(database.routes, route) == database.routes.end()) continue;
    RecordBuilder record(*DatabaseType(), into);
    record.Set("name", AtomOf(database.name)).Set("owner", AtomOf(database.owner));
    record.Set("extensions", AtomsOf(database.extensions, into)).Set("apps", AtomsOf(database.apps, into));
    records.push_back(record.Finish(database.name.span));
  }
  return Value::List(into.CopyValues(records));
}

Value Scopes::Shared::Roles(const graph::Service& service, std::string_view route, Arena& into) const {
  std::vector<Value> records;
  for (const graph::Role& role : service.roles) {
    const bool wanted = route.empty() || std::ranges::any_of(service.databases, [&](const graph::Database& d) {
      return d.owner.text == role.name.text && std::ranges::find(d.routes, route) != d.routes.end();
    });
    if (!wanted || role.credential == nullptr) continue;
    RecordBuilder record(*RoleType(), into);
    record.Set("name", AtomOf(role.name)).Set("secret", SecretRecord(role.credential, into));
    record.Set("databases", AtomsOf(role.databases, into));
    records.push_back(record.Finish(role.name.span));
  }
  return Value::List(into.CopyValues(records));
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
  scope.Set("databases", Databases(service, {}, arena)).Set("roles", Roles(service, {}, arena));
  scope.Set("fronts", Fronts(index, ItemType(type, "fronts"))).Set("steps", Steps(index, ItemType(type, "steps")));
  scope.Set("needs", Needs(index, -1, FieldType(type, "needs"), arena));
  scope.Set("estate", Value::List(estate));
  scope.Set("files", Value::List({}));
  scope.Set("host", EmptyHost(FieldType(type, "host"))).Set("firewall", EmptyFirewall(FieldType(type, "firewall")));
  scope.Set("flows", service.manifest->owns_firewall ? Flows(ItemType(type, "flows")) : Value::List({}));
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
    record.Set("ref", AtomOf(image->ref)).Set("name", Value::Atom(image->image.name, image->ref.span));
    images.Set(manifest.images[i].name.text, record.Set("tag", Value::Atom(image->image.tag, image->ref.span)).Finish());
  }
  scope.Set("images", images.Finish());
  RecordBuilder packages(FieldType(type, "packages"), arena);
  for (size_t i = 0; i < manifest.packages.size(); ++i) {
    const model::PackageVersion* package = s.packages[i];
    if (package != nullptr) packages.Set(manifest.packages[i].name.text, Value::Text(package->version.text, package->version.span));
  }
  scope.Set("packages", packages.Finish());
  RecordBuilder secrets(FieldType(type, "secrets"), arena);
  for (size_t i = 0; i < manifest.secrets.size(); ++i) {
    if (s.secrets[i] != nullptr) secrets.Set(manifest.secrets[i].name.text, SecretRecord(s.secrets[i], arena));
  }
  scope.Set("secrets", secrets.Finish());
}

void Scopes::Shared::SetAccess(int index, RecordBuilder& scope) {
  const graph::Service& s = graph.services[index];
  const Type& type = TypeOf(index);
  RecordBuilder endpoints(FieldType(type, "endpoints"), arena);
  RecordBuilder official(FieldType(type, "official"), arena);
  RecordBuilder sources(FieldType(type, "sources"), arena);
  std::map<int, std::vector<Value>> balancers;
  for (size_t e = 0; e < s.manifest->endpoints.size(); ++e) {
    const module::Endpoint& declared = s.manifest->endpoints[e];
    const EndpointRef ref{index, static_cast<int>(e)};
    RecordBuilder endpoint(*FieldType(type, "endpoints").fields[e].type, arena);
    endpoint.Set("port", Value::Int(s.ports[e])).Set("protocol", Value::Atom(declared.protocol));
    endpoints.Set(declared.name.text, endpoint.Finish());
    if (!declared.clients) continue;
    const graph::Address address = graph.OfficialAddress(ref);
    RecordBuilder record(*AddressType(), arena);
    record.Set("host", Value::Atom(arena.Copy(address.host))).Set("port", Value::Int(address.port));
    official.Set(declared.name.text, record.Finish());
    if (const int balancer = graph.BalancerOf(ref); balancer >= 0) {
      balancers[balancer].push_back(Value::Int(address.port));
    }
  }
  for (int l : listeners_of[index]) {
    const Listener& listener = graph.listeners[l];
    if (listener.fronted()) continue;
    std::vector<Value> networks;
    for (const Source& source : SourcesOf(graph, listener)) networks.push_back(Value::Atom(arena.Copy(TextOf(source, true))));
    sources.Set(s.manifest->endpoints[listener.endpoint.endpoint].name.text, Value::List(arena.CopyValues(networks)));
  }
  scope.Set("endpoints", endpoints.Finish()).Set("official", official.Finish()).Set("sources", sources.Finish());
  std::vector<Value> records;
  for (const auto& [balancer, ports] : balancers) {
    const model::Balancer& b = *graph.balancers[balancer].model;
    RecordBuilder record(ItemType(type, "balancers"), arena);
    record.Set("name", AtomOf(b.name)).Set("ip", AtomOf(b.private_ip));
    records.push_back(record.Set("ports", Value::List(arena.CopyValues(ports))).Finish(b.span));
  }
  scope.Set("balancers", Value::List(arena.CopyValues(records)));
  scope.Set("proxies", s.proxy >= 0 ? Value::List(members[s.proxy]) : Value::List({}));
}

Value Scopes::Shared::Fronts(int index, const Type& type) {
  std::vector<Value> fronts;
  for (int l : listeners_of[index]) {
    const Listener& listener = graph.listeners[l];
    if (!listener.fronted()) continue;
    const graph::Service& behind = graph.services[listener.endpoint.service];
    const module::Endpoint& declared = graph.Declared(listener.endpoint);
    const module::Probe& probe = declared.probe;
    RecordBuilder check(FieldType(type, "check"), arena);
    check.Set("type", Value::Atom(probe.http ? "http" : "tcp"));
    check.Set("port", Value::Int(probe.endpoint >= 0 ? behind.ports[probe.endpoint] : listener.port));
    if (!probe.path.empty()) check.Set("path", Value::Text(probe.path));
    if (probe.expect != 0) check.Set("expect", Value::Int(probe.expect));
    RecordBuilder front(type, arena);
    front.Set("service", AtomOf(behind.name())).Set("endpoint", AtomOf(declared.name));
    front.Set("port", Value::Int(listener.port)).Set("members", Value::List(members[listener.endpoint.service]));
    fronts.push_back(front.Set("check", check.Finish()).Finish(behind.model->span));
  }
  return Value::List(arena.CopyValues(fronts));
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
    steps.push_back(record.Set("hosts", Value::List(hosts)).Set("help", Value::Text(step.help)).Finish(step.name.span));
  }
  return Value::List(arena.CopyValues(steps));
}

// One row an origin of a listener, not one a pair of servers: what a person can read, and linear.
Value Scopes::Shared::Flows(const Type& type) {
  std::vector<Value> flows;
  for (const Listener& listener : graph.listeners) {
    for (const Origin& origin : listener.origins) {
      const auto [from, kind] = [&]() -> std::pair<std::string_view, std::string_view> {
        switch (origin.kind) {
          case Origin::Kind::kMembers: return {graph.services[origin.index].name().text, "service"};
          case Origin::Kind::kApp: return {graph.apps[origin.index].model->name.text, "app"};
          case Origin::Kind::kServers: return {graph.model->servers[origin.servers.front()].name().text, "server"};
          case Origin::Kind::kAddress: return {origin.address.text, "network"};
          case Origin::Kind::kBalancer: return {graph.balancers[origin.index].model->name.text, "balancer"};
        }
        return {};
      }();
      RecordBuilder flow(type, arena);
      flow.Set("from", Value::Atom(from)).Set("kind", Value::Atom(kind));
      flow.Set("to", AtomOf(graph.services[listener.owner].name()));
      flow.Set("service", AtomOf(graph.services[listener.endpoint.service].name()));
      flow.Set("endpoint", AtomOf(graph.Declared(listener.endpoint).name));
      flow.Set("protocol", Value::Atom(listener.protocol)).Set("port", Value::Int(listener.port));
      flows.push_back(flow.Set("why", Value::Text(origin.why)).Finish());
    }
  }
  return Value::List(arena.CopyValues(flows));
}

Value Scopes::Shared::Needs(int index, int server, const Type& type, Arena& into) const {
  const graph::Service& service = graph.services[index];
  RecordBuilder needs(type, into);
  for (size_t i = 0; i < service.needs.size(); ++i) {
    const EndpointRef to = service.needs[i].to;
    if (!to.known()) continue;
    const module::Need& declared = service.manifest->needs[i];
    const graph::Service& provider = graph.services[to.service];
    const graph::Address address = server >= 0 ? graph.AddressFrom(server, to) : graph.OfficialAddress(to);
    RecordBuilder need(*type.fields[i].type, into);
    need.Set("service", AtomOf(provider.name())).Set("host", Value::Atom(into.Copy(address.host)));
    need.Set("port", Value::Int(address.port));
    need.Set("databases", Databases(provider, declared.route.text, into));
    needs.Set(declared.name.text, need.Set("roles", Roles(provider, declared.route.text, into)).Finish());
  }
  return needs.Finish();
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
    pairs.push_back(record.Set("name", Value::Atom(name)).Set("value", Value::Text(value.text, value.span)).Finish());
  }
  RecordBuilder record(type, into);
  record.Set("packages", AtomsOf(std::vector(packages.begin(), packages.end()), into));
  record.Set("kernel_modules", AtomsOf(std::vector(modules.begin(), modules.end()), into));
  return record.Set("sysctl", Value::List(into.CopyValues(pairs))).Finish();
}

// Only the owner of these files sees what stands in them.
Value Scopes::Shared::EmptyHost(const Type& type) {
  RecordBuilder host(type, arena);
  host.Set("packages", Value::List({})).Set("kernel_modules", Value::List({}));
  return host.Set("sysctl", Value::List({})).Finish();
}

Value Scopes::Shared::EmptyFirewall(const Type& type) {
  return RecordBuilder(type, arena).Set("accept", Value::List({})).Finish();
}

Value Scopes::Shared::Firewall(int server, const Type& type, Arena& into) const {
  const uint32_t own = graph.model->servers[server].ip;
  const Type& row_type = ItemType(type, "accept");
  std::vector<Value> rows;
  for (int s : graph.services_on[server]) {
    for (int l : listeners_of[s]) {
      const Listener& listener = graph.listeners[l];
      std::vector<Value> sources;
      for (const Source& source : SourcesOf(graph, listener)) {
        if (source.bits == 32 && source.address == own) continue;  // comes over the loopback
        sources.push_back(Value::Atom(into.Copy(TextOf(source, false))));
      }
      if (sources.empty()) continue;
      RecordBuilder row(row_type, into);
      row.Set("protocol", Value::Atom(listener.protocol));
      row.Set("port", Value::Atom(into.Copy(fmt::format("{}", listener.port))));
      row.Set("sources", Value::List(into.CopyValues(sources)));
      row.Set("service", AtomOf(graph.services[listener.endpoint.service].name()));
      row.Set("endpoint", AtomOf(graph.Declared(listener.endpoint).name));
      rows.push_back(row.Set("why", Value::Text(into.Copy(WhyOf(listener)))).Finish());
    }
  }
  RecordBuilder record(type, into);
  return record.Set("accept", Value::List(into.CopyValues(rows))).Finish();
}

Value Scopes::Shared::Files(int index, const Type& type, const Scopes& scopes, const Value& scope, Arena& into) const {
  const graph::Service& service = graph.services[index];
  std::vector<Value> files;
  for (const module::Output& output : service.manifest->outputs) {
    if (output.area != module::Area::kServer || output.step >= 0 || !scopes.Exists(index, output, scope)) continue;
    RecordBuilder record(type, into);
    const std::string path = HostPath(graph, index, output);
    record.Set("path", Value::Atom(into.Copy(path))).Set("mode", Value::Atom(into.Copy(fmt::format("{:04o}", output.mode))));
    record.Set("owner", Value::Atom(output.owner));
    files.push_back(record.Set("secret", Value::Bool(output.holds_tokens)).Finish(output.tmpl.span));
  }
  return Value::List(into.CopyValues(files));
}

Scopes::Scopes(const Graph& graph) : shared_(std::make_unique<Shared>(graph)) {}
Scopes::~Scopes() = default;

Value Scopes::Make(int service, int server, Arena& arena) const {
  const Value& common = shared_->services[service];
  if (server < 0) return common;
  const Type& type = shared_->TypeOf(service);
  const auto fields = arena.Values(common.size);
  std::ranges::copy(common.list(), fields.begin());
  const auto set = [&](std::string_view name, Value value) { fields[type.IndexOf(name)] = value; };
  const graph::Service& s = shared_->graph.services[service];
  const auto position = static_cast<size_t>(std::ranges::lower_bound(s.members, server) - s.members.begin());
  const auto members = shared_->members[service];
  set("self", members[position]);
  if (s.manifest->reads_peers) {
    const auto peers = arena.Values(members.size() - 1);
    std::ranges::copy(members.first(position), peers.begin());
    std::ranges::copy(members.subspan(position + 1), peers.begin() + static_cast<ptrdiff_t>(position));
    set("peers", Value::List(peers));
  }
  if (!s.needs.empty()) set("needs", shared_->Needs(service, server, FieldType(type, "needs"), arena));
  if (s.manifest->owns_host) set("host", shared_->Host(server, FieldType(type, "host"), arena));
  if (s.manifest->owns_firewall) set("firewall", shared_->Firewall(server, FieldType(type, "firewall"), arena));
  const Value scope = Value::Record(fields, common.origin);
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
    case tmpl::Kind::kAbsent: return false;
    case tmpl::Kind::kBool: return value.number != 0;
    case tmpl::Kind::kList: return value.size > 0;
    default: return true;
  }
}

}  // namespace kb::lower
