// Redis with Sentinel: who begins, what may be lost, and the watcher beside every proxy.
#include <algorithm>
#include <array>

#include <fmt/core.h>

#include "base/strings.h"
#include "diag/kinds.h"
#include "services/hook.h"
#include "services/lookup.h"

namespace kb::services {
namespace {

using graph::Graph;
using tmpl::Value;

// SUBROLE is the role of the very first start only; afterwards Sentinel decides.
void CheckInitialMaster(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const std::string_view subrole = graph.Setting(service, "initial_subrole").str();
  std::vector<Label> labels;
  for (int member : s.members) {
    const Word& cell = graph.model->servers[member][model::Column::kSubrole];
    if (cell.text == subrole) labels.push_back({cell.span, "begins as master"});
  }
  const auto count = static_cast<int64_t>(labels.size());
  if (count == 1 || s.members.empty()) return;
  labels.push_back({graph.SettingSpan(service, "initial_subrole"), "what the SUBROLE must be"});
  diags.Emit(diag::kInitialMaster, s.model->nodes.span,
             {.labels = std::move(labels),
              .help = fmt::format("give exactly one of its servers the SUBROLE `{}`", subrole)},
             s.name().text, count);
}

void CheckEviction(const Graph& graph, int service, Diagnostics& diags) {
  const std::string_view name = graph.services[service].name().text;
  const std::string_view eviction = graph.Setting(service, "eviction").str();
  const bool queue = graph.Setting(service, "purpose").str() == "queue";
  if (queue && eviction != "noeviction") {
    diags.Emit(diag::kQueueEvicts, graph.SettingSpan(service, "eviction"),
               {.labels = {{graph.SettingSpan(service, "purpose"), "what it is for"}},
                .help = "`eviction: noeviction`, or `purpose: cache`"},
               name, eviction);
  } else if (!queue && eviction == "noeviction") {
    diags.Emit(diag::kCacheRefuses, graph.SettingSpan(service, "eviction"),
               {.help = "say what it may throw away, `allkeys-lru` for instance"}, name);
  }
}

void CheckTimes(const Graph& graph, int service, Diagnostics& diags) {
  const int64_t down_after = NumberOf(graph, service, "down_after");
  const auto need = [&](std::string_view setting, int64_t least, std::string_view depends_on,
                        std::string_view why) {
    CheckAtLeast(graph, service, setting, least,
                 {.labels = LabelsOf(graph, service, {depends_on}), .help = std::string(why)},
                 diags);
  };
  need("failover_timeout", 3 * down_after, "down_after",
       "a failover must not be given up before a master was long enough lost");
  constexpr int64_t kElection = 5000;
  const int64_t failover = (down_after + kElection + 999) / 1000;
  need("restart_delay", failover, "down_after",
       "a member that crashed must come back after the failover, not in the middle of it");
  need("failover_limit", failover, "down_after",
       "Sentinel waits `down_after` before it does anything, and then elects");
  constexpr int64_t kOwnFiles = 64;  // Redis keeps 32 for itself and lowers maxclients in silence
  need("open_files", NumberOf(graph, service, "maxclients") + kOwnFiles, "maxclients",
       "one for each client, and its own");
}

void CheckReplicas(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const int64_t wanted = NumberOf(graph, service, "min_replicas_to_write");
  const auto replicas = static_cast<int64_t>(s.members.size()) - 1;
  const Span span = graph.SettingSpan(service, "min_replicas_to_write");
  if (wanted > replicas) {
    diags.Emit(diag::kTooManyReplicas, span, {.help = "lower `min_replicas_to_write`"},
               s.name().text, wanted, replicas);
  } else if (wanted == replicas && replicas > 1) {
    diags.Emit(diag::kEveryReplica, span,
               {.help = fmt::format("with {} exactly a majority can write", s.members.size() / 2)},
               s.name().text);
  } else if (wanted == 0) {
    diags.Emit(diag::kNoReplicas, span, s.name().text);
  }
}

struct Owned {
  std::string_view key, setting;  // no setting: the module decides
};

constexpr std::array kOwned = std::to_array<Owned>({
    {"bind", ""},
    {"port", ""},
    {"protected-mode", ""},
    {"requirepass", ""},
    {"masterauth", ""},
    {"masteruser", ""},
    {"replica-announce-ip", ""},
    {"replica-announce-port", ""},
    {"slave-announce-ip", ""},
    {"slave-announce-port", ""},
    {"replicaof", ""},
    {"slaveof", ""},
    {"dir", "data_dir"},
    {"dbfilename", ""},
    {"appendonly", ""},
    {"appendfsync", "appendfsync"},
    {"appendfilename", ""},
    {"appenddirname", ""},
    {"save", "snapshot"},
    {"stop-writes-on-bgsave-error", ""},
    {"maxmemory", "maxmemory"},
    {"maxmemory-policy", "eviction"},
    {"min-replicas-to-write", "min_replicas_to_write"},
    {"min-replicas-max-lag", "min_replicas_max_lag"},
    {"min-slaves-to-write", "min_replicas_to_write"},
    {"min-slaves-max-lag", "min_replicas_max_lag"},
    {"tcp-keepalive", "tcp_keepalive"},
    {"timeout", ""},
    {"maxclients", "maxclients"},
    {"repl-backlog-size", "repl_backlog"},
    {"daemonize", ""},
    {"supervised", ""},
    {"pidfile", ""},
    {"logfile", ""},
    {"include", ""},
    {"aclfile", ""},
    {"user", ""},
    {"rename-command", ""},
    {"tls-port", ""},
    {"unixsocket", ""},
    {"cluster-enabled", ""},
    {"replica-read-only", ""},
    {"slave-read-only", ""},
    {"loadmodule", ""},
});

void CheckOwnedParameters(const Graph& graph, int service, Diagnostics& diags) {
  for (const Value& pair : graph.Setting(service, "parameters").list()) {
    const std::string_view name = pair.list()[0].str();
    const auto row = std::ranges::find(kOwned, name, &Owned::key);
    if (row == kOwned.end()) continue;
    diags.Emit(
        diag::kOwnedParameter, pair.list()[0].origin,
        {.help = row->setting.empty() ? std::string("the module decides it")
                                      : fmt::format("say `{}:` among the settings", row->setting)},
        name);
  }
}

bool Watches(const Graph& graph, size_t watcher, int service) {
  if (graph.services[watcher].manifest->name.text != "redis-watcher") return false;
  return NeedOf(graph, static_cast<int>(watcher), "redis").service == service;
}

// A member's own answer admits two masters while the network is cut; only a majority of Sentinels
// does not. So every proxy has somebody beside it who asks them.
void CheckWatchers(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  if (s.proxy < 0) return;
  const graph::Service& proxy = graph.services[s.proxy];
  for (int server : proxy.members) {
    bool watched = false;
    for (size_t w = 0; w < graph.services.size(); ++w)
      watched |= Watches(graph, w, service) && graph.HasMember(static_cast<int>(w), server);
    if (watched) continue;
    diags.Emit(diag::kNoWatcher, s.model->proxy.span,
               {.help = "put a service of the module redis-watcher on every host of the proxy"},
               proxy.name().text, s.name().text, graph.model->servers[server].name().text);
  }
}

void Check(const Graph& graph, int service, Diagnostics& diags) {
  CheckInitialMaster(graph, service, diags);
  CheckEviction(graph, service, diags);
  CheckTimes(graph, service, diags);
  CheckReplicas(graph, service, diags);
  CheckOwnedParameters(graph, service, diags);
  CheckWatchers(graph, service, diags);
  CheckDataOnVolume(graph, service, "data_dir", false, diags);
}

void CheckWatcher(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const graph::EndpointRef redis = NeedOf(graph, service, "redis");
  if (!redis.known()) return;
  const graph::Service& watched = graph.services[redis.service];
  for (int server : s.members) {
    if (watched.proxy >= 0 && graph.HasMember(watched.proxy, server)) continue;
    diags.Emit(diag::kWatcherElsewhere, s.model->nodes.span,
               {.labels = {{graph.model->servers[server].name().span, "this server"}},
                .help = "select the servers of the proxy"},
               s.name().text, graph.model->servers[server].name().text, watched.name().text);
  }
  for (std::string_view secret : {"password", "sentinel_password"})
    CheckSameSecret(graph, service, redis.service, secret, diags);
  const int64_t noticed = NumberOf(graph, service, "interval") * 1000 +
                          NumberOf(graph, redis.service, "down_after") + 5000;
  CheckAtLeast(graph, redis.service, "failover_limit", (noticed + 999) / 1000,
               {.labels = {{graph.SettingSpan(service, "interval"), "how often it is watched"}},
                .help = "`down_after`, an election and one round of the watcher must fit"},
               diags);
}

}  // namespace

const Hook kRedisHa{"redis-ha", &Check};
const Hook kRedisWatcher{"redis-watcher", &CheckWatcher};

}  // namespace kb::services
