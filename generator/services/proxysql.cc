// ProxySQL in front of a Galera cluster: one writer for all proxies, and pools that fit behind it.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include <fmt/core.h>

#include "base/strings.h"
#include "diag/kinds.h"
#include "services/hook.h"
#include "services/lookup.h"
#include "shape/atoms.h"

namespace kb::services {
namespace {

using graph::EndpointRef;
using graph::Graph;
using tmpl::RecordBuilder;
using tmpl::TypeRef;
using tmpl::Value;

// A wrong monitor password at the start takes every member out of service within seconds
// (ProxySQL 2.6.4, run): both sides must read one credential.
void CheckSharedSecrets(const Graph& graph, int service, int galera, Diagnostics& diags) {
  for (std::string_view secret : {"monitor", "probe"})
    CheckSameSecret(graph, service, galera, secret, diags);
}

void CheckHostgroups(const Graph& graph, int service, Diagnostics& diags) {
  std::map<int64_t, std::string_view> taken;
  for (std::string_view name :
       {"writer_hostgroup", "backup_hostgroup", "reader_hostgroup", "offline_hostgroup"}) {
    const int64_t number = NumberOf(graph, service, name);
    const auto [first, fresh] = taken.emplace(number, name);
    if (fresh) continue;
    diags.Emit(diag::kHostgroupTwice, graph.SettingSpan(service, name),
               {.labels = LabelsOf(graph, service, {first->second}),
                .help = "give each of the four a number of its own"},
               graph.services[service].name().text, number);
  }
}

// Host groups and users are those of one cluster, which is the one that it stands in front of.
void CheckFronted(const Graph& graph, int service, int galera, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  // That it does not stand in front of the cluster itself is KB3314's to say.
  if (std::ranges::all_of(s.fronted, [&](int other) { return other == galera; })) return;
  diags.Emit(diag::kFrontsOther, s.model->span,
             {.labels = {{graph.services[galera].model->span, "what it needs"}},
              .help = fmt::format("say `proxy: {}` there, and nowhere else", s.name().text)},
             s.name().text, graph.services[galera].name().text);
}

// The longest time until a writer that says nothing is given up, in milliseconds.
int64_t Detection(const Graph& graph, int service) {
  return NumberOf(graph, service, "healthcheck_interval") *
             NumberOf(graph, service, "healthcheck_count") +
         NumberOf(graph, service, "healthcheck_timeout");
}

void CheckTimes(const Graph& graph, int service, Diagnostics& diags) {
  const auto need = [&](std::string_view setting, int64_t least,
                        std::initializer_list<std::string_view> depends_on, std::string_view why) {
    CheckAtLeast(graph, service, setting, least,
                 {.labels = LabelsOf(graph, service, depends_on), .help = std::string(why)}, diags);
  };
  need("healthcheck_interval", NumberOf(graph, service, "healthcheck_timeout") + 1,
       {"healthcheck_timeout"}, "a check must end before the next one begins");
  need("connect_timeout_max", Detection(graph, service),
       {"healthcheck_interval", "healthcheck_count", "healthcheck_timeout"},
       "a client that waits for a connection must outlast a failover");
  std::string_view slowest = "healthcheck_interval";
  for (std::string_view name : {"monitor_connect_interval", "monitor_ping_interval"}) {
    if (NumberOf(graph, service, name) > NumberOf(graph, service, slowest)) slowest = name;
  }
  need("monitor_history", 3 * NumberOf(graph, service, slowest), {slowest},
       "only the history of the checks shows a wrong password while it runs");
}

void CheckPools(const Graph& graph, int service, int galera, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const int64_t each = NumberOf(graph, service, "backend_connections");
  const int64_t all = each * static_cast<int64_t>(s.members.size());
  const int64_t admitted =
      NumberOf(graph, galera, "max_connections") - NumberOf(graph, galera, "spare_connections");
  if (all > admitted) {
    diags.Emit(diag::kPoolsExceed, graph.SettingSpan(galera, "max_connections"),
               {.labels = {{graph.SettingSpan(service, "backend_connections"), "of each proxy"},
                           {graph.SettingSpan(galera, "spare_connections"), "kept free"}},
                .help = "lower `backend_connections` of the proxy, or raise `max_connections`"},
               graph.services[galera].name().text, all, admitted);
  }
  const int64_t clients = NumberOf(graph, service, "client_connections");
  CheckAtLeast(graph, service, "client_connections", NumberOf(graph, service, "user_connections"),
               {.labels = {{graph.SettingSpan(service, "user_connections"), "of one user alone"}},
                .help = "lower `user_connections`, or raise `client_connections`"},
               diags);
  constexpr int64_t kOwnFiles = 512;  // its database, log, monitor connections
  const int64_t files =
      clients + each * static_cast<int64_t>(graph.services[galera].members.size()) + kOwnFiles;
  CheckAtLeast(graph, service, "open_files", files,
               {.labels = LabelsOf(graph, service, {"client_connections", "backend_connections"}),
                .help = "one for each client and each connection to a member, and its own"},
               diags);
}

// `admin`, `stats` and `monitor` log in from the proxy's own host only, and are the published
// defaults; a name that two sides use makes one of them fail.
void CheckUsers(const Graph& graph, int service, int galera, Diagnostics& diags) {
  std::set<std::string_view> taken{"admin", "stats", "monitor", "root"};
  const auto refuse = [&](std::string_view name, Span span) {
    diags.Emit(diag::kUserTaken, span, {.help = "choose another name"},
               graph.services[service].name().text, name);
  };
  for (std::string_view setting : {"admin_user", "stats_user"}) {
    const std::string_view name = graph.Setting(service, setting).str();
    if (!taken.insert(name).second) refuse(name, graph.SettingSpan(service, setting));
  }
  taken.erase("monitor");  // as a user of the database it is a usual name
  taken.erase("root");     // whether it may be one is the database's to say
  const auto compare = [&](std::string_view name, Span span) {
    if (taken.contains(name)) refuse(name, span);
  };
  for (std::string_view setting : {"monitor_user", "probe_user"})
    compare(graph.Setting(galera, setting).str(), graph.SettingSpan(galera, setting));
  for (const graph::Role& role : graph.services[galera].roles)
    compare(role.name.text, role.name.span);
}

// Variables that a setting or the graph decides: in the map they would contradict it.
void CheckOwnedVariables(const Graph& graph, int service, Diagnostics& diags) {
  constexpr std::array<std::string_view, 13> kOwned{"interfaces",
                                                    "server_version",
                                                    "max_connections",
                                                    "connect_timeout_server_max",
                                                    "monitor_enabled",
                                                    "monitor_username",
                                                    "monitor_password",
                                                    "monitor_history",
                                                    "monitor_connect_interval",
                                                    "monitor_ping_interval",
                                                    "monitor_galera_healthcheck_interval",
                                                    "monitor_galera_healthcheck_timeout",
                                                    "monitor_galera_healthcheck_max_timeout_count"};
  for (const Value& pair : graph.Setting(service, "variables").list()) {
    const std::string_view name = pair.list()[0].str();
    if (std::ranges::find(kOwned, name) == kOwned.end()) continue;
    diags.Emit(diag::kOwnedParameter, pair.list()[0].origin,
               {.help = "a setting of its own, or the graph, decides it"}, name);
  }
}

constexpr std::array<std::string_view, 4> kSecrets{"admin", "stats", "monitor", "probe"};

void Check(const Graph& graph, int service, Diagnostics& diags) {
  CheckHostgroups(graph, service, diags);
  CheckSecretsDiffer(graph, service, kSecrets, diags);
  CheckTimes(graph, service, diags);
  CheckOwnedVariables(graph, service, diags);
  const EndpointRef galera = NeedOf(graph, service, "galera");
  if (!galera.known()) return;
  CheckSharedSecrets(graph, service, galera.service, diags);
  CheckFronted(graph, service, galera.service, diags);
  CheckPools(graph, service, galera.service, diags);
  CheckUsers(graph, service, galera.service, diags);
}

TypeRef BackendType() {
  static const TypeRef kType =
      tmpl::RecordOf({{"name", tmpl::AtomType(), ""},
                      {"ip", tmpl::AtomType(), ""},
                      {"port", tmpl::IntType(), ""},
                      {"hostgroup", tmpl::IntType(), "the preferred writer stands in its own"},
                      {"weight", tmpl::IntType(), "the highest that is healthy writes"},
                      {"preferred", tmpl::BoolType(), ""}});
  return kType;
}

TypeRef Computed(const TypeRef&) {
  static const TypeRef kType = tmpl::RecordOf(
      {{"backends", tmpl::ListOf(BackendType()), "the members behind it, the writer first"},
       {"server_version", tmpl::AtomType(), "what it tells clients that it is"},
       {"detection", tmpl::IntType(), "ms until a silent writer is given up, at most"},
       {"backend_connections", tmpl::IntType(), "what a member may see from all proxies"}});
  return kType;
}

// 1000, 100, 10, and then one less each: the order of succession, the same on every proxy.
int64_t WeightOf(size_t member) {
  constexpr std::array<int64_t, 3> kFirst{1000, 100, 10};
  return member < kFirst.size() ? kFirst[member]
                                : std::max(int64_t{1}, 12 - static_cast<int64_t>(member));
}

Value Backends(const Graph& graph, int service, EndpointRef galera, tmpl::Arena& arena) {
  std::vector<Value> backends;
  const std::vector<int>& members = graph.services[galera.service].members;
  for (size_t i = 0; i < members.size(); ++i) {
    const model::Server& server = graph.model->servers[members[i]];
    const Word& ip = server[model::Column::kPrivateIp];
    RecordBuilder backend(*BackendType(), arena);
    backend.Set("name", Value::Atom(server.name().text, server.name().span));
    backend.Set("ip", Value::Atom(ip.text, ip.span)).Set("port", Value::Int(graph.PortOf(galera)));
    backend.Set("hostgroup",
                graph.Setting(service, i == 0 ? "writer_hostgroup" : "backup_hostgroup"));
    backend.Set("weight", Value::Int(WeightOf(i))).Set("preferred", Value::Bool(i == 0));
    backends.push_back(backend.Finish(server.name().span));
  }
  return Value::List(arena.CopyValues(backends));
}

// 10.11.6 of the tag 10.11.6-debian-11; a tag without a third part is given one.
std::string ServerVersion(const Graph& graph, int galera) {
  const model::ImageVersion* image = ImageOf(graph, galera, "mariadb");
  const std::string_view tag = image == nullptr ? std::string_view() : image->image.tag;
  std::string version(tag.substr(0, tag.find_first_not_of("0123456789.")));
  while (version.ends_with('.')) version.pop_back();
  if (version.empty()) return "0.0.0";
  if (std::ranges::count(version, '.') < 2) version += ".0";
  return version;
}

Value Compute(const Graph& graph, int service, std::span<const Value>, tmpl::Arena& arena) {
  RecordBuilder computed(*Computed({}), arena);
  const EndpointRef galera = NeedOf(graph, service, "galera");
  computed.Set("backends",
               galera.known() ? Backends(graph, service, galera, arena) : Value::List({}));
  computed.Set("server_version",
               Value::Atom(galera.known() ? arena.Copy(ServerVersion(graph, galera.service))
                                          : std::string_view("0.0.0")));
  computed.Set("detection", Value::Int(Detection(graph, service)));
  computed.Set("backend_connections",
               Value::Int(NumberOf(graph, service, "backend_connections") *
                          static_cast<int64_t>(graph.services[service].members.size())));
  return computed.Finish(graph.services[service].model->span);
}

}  // namespace

const Hook kProxysql{"proxysql", &Check, &Computed, &Compute};

}  // namespace kb::services
