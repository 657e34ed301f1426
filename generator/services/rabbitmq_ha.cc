// RabbitMQ: silences that proxies bear, a disk that is large enough, names that Erlang can use.
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

// A heartbeat that is lost must not make the proxy cut a connection that lives.
void CheckHeartbeat(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  if (s.proxy < 0) return;
  const Value idle = graph.Setting(s.proxy, "idle_timeout");  // minutes
  if (idle.kind != tmpl::Kind::kInt) return;
  const int64_t silence = 2 * NumberOf(graph, service, "heartbeat");
  if (silence < idle.number * 60) return;
  const std::string_view proxy = graph.services[s.proxy].name().text;
  diags.Emit(diag::kHeartbeatTooSlow, graph.SettingSpan(service, "heartbeat"),
             {.labels = {{graph.SettingSpan(s.proxy, "idle_timeout"), "where they are cut"}},
              .help = fmt::format("lower `heartbeat`, or raise `idle_timeout` of `{}`", proxy)},
             s.name().text, silence, proxy, idle.number * 60);
}

// Publishers are stopped on the whole cluster as soon as one node has less than the limit free.
void CheckDiskLimit(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const int64_t limit = NumberOf(graph, service, "disk_free_limit");
  for (int member : s.members) {
    const model::Server& server = graph.model->servers[member];
    if (server.volume < 0) continue;
    const model::Volume& volume = graph.model->volumes[server.volume];
    if (2 * limit <= volume.size_gb * 1000) continue;
    diags.Emit(diag::kDiskLimit, graph.SettingSpan(service, "disk_free_limit"),
               {.labels = {{volume.mount.span, "this volume"}}, .help = "lower `disk_free_limit`"},
               s.name().text, limit, server.name().text);
  }
}

// A key of `parameters` that something else of the model decides, and what that is.
struct Owned {
  std::string_view key;  // a whole key, or a family when it ends in a dot
  std::string_view by;
};

constexpr std::string_view kGraphDecides = "the graph decides it: `ports:` and `nodes:`";
constexpr std::string_view kUsesDecide = "users and virtual hosts come from what apps use";
constexpr std::string_view kJournalDecides = "its log is the journal's";
constexpr std::array kOwned = std::to_array<Owned>({
    {"cluster_name", "say `cluster:` among the settings"},
    {"cluster_partition_handling", "say `partition_handling:` among the settings"},
    {"heartbeat", "say `heartbeat:` among the settings"},
    {"consumer_timeout", "say `consumer_timeout:` among the settings"},
    {"default_queue_type", "say `default_queue_type:` among the settings"},
    {"net_ticktime", "say `net_tick_time:` among the settings"},
    {"vm_memory_high_watermark.", "say `memory_watermark:` among the settings"},
    {"disk_free_limit.", "say `disk_free_limit:` among the settings"},
    {"listeners.tcp", kGraphDecides},
    {"listeners.tcp.", kGraphDecides},
    {"management.tcp.ip", kGraphDecides},
    {"management.tcp.port", kGraphDecides},
    {"management.listener.", kGraphDecides},
    {"prometheus.tcp.ip", kGraphDecides},
    {"prometheus.tcp.port", kGraphDecides},
    {"distribution.listener.", kGraphDecides},
    {"cluster_formation.", kGraphDecides},
    {"load_definitions", kUsesDecide},
    {"management.load_definitions", kUsesDecide},
    {"definitions.", kUsesDecide},
    {"default_user", kUsesDecide},
    {"default_pass", kUsesDecide},
    {"default_vhost", kUsesDecide},
    {"default_permissions.", kUsesDecide},
    {"default_users.", kUsesDecide},
    {"default_user_tags.", kUsesDecide},
    {"loopback_users", kUsesDecide},
    {"loopback_users.", kUsesDecide},
    {"log.console", kJournalDecides},
    {"log.file", kJournalDecides},
});

void CheckOwnedParameters(const Graph& graph, int service, Diagnostics& diags) {
  for (const Value& pair : graph.Setting(service, "parameters").list()) {
    const std::string_view name = pair.list()[0].str();
    const auto owned = std::ranges::find_if(kOwned, [&](const Owned& row) {
      return row.key.ends_with('.') ? name.starts_with(row.key) : name == row.key;
    });
    if (owned == kOwned.end()) continue;
    diags.Emit(diag::kOwnedParameter, pair.list()[0].origin, {.help = std::string(owned->by)},
               name);
  }
}

// An unknown key or plugin stops the node at its start: the catalogue is one release's.
void CheckImage(const Graph& graph, int service, Diagnostics& diags) {
  const model::ImageVersion* image = ImageOf(graph, service, "rabbitmq");
  if (image == nullptr) return;
  const std::string_view tag = image->image.tag;
  const auto refuse = [&](std::string_view why, std::string_view help) {
    diags.Emit(diag::kWrongImage, image->ref.span, {.help = std::string(help)}, image->ref.text,
               why);
  };
  if (!tag.starts_with("3.12.14"))
    refuse("the module's keys are those of 3.12.14, and an unknown key stops the node",
           "take 3.12.14-management");
  if (tag.find("-management") == std::string_view::npos)
    refuse("without the management plugin nobody can look at it", "take the flavour -management");
  if (tag.find("alpine") != std::string_view::npos)
    refuse("its user is uid 100, the files belong to 999", "take the Debian flavour");
}

void CheckNames(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  const Value admin = graph.Setting(service, "admin_user");
  const auto take = [&](std::string_view name, Span span, bool taken) {
    if (!taken && name != "guest") return;
    diags.Emit(diag::kUserTaken, span, {.help = "choose another name"}, s.name().text, name);
  };
  take(admin.str(), graph.SettingSpan(service, "admin_user"), false);
  for (const graph::Role& role : s.roles)
    take(role.name.text, role.name.span, role.name.text == admin.str());
  for (const graph::Resource& vhost : s.vhosts) {
    if (vhost.name.text != "failover_drill") continue;
    diags.Emit(diag::kReservedName, vhost.name.span, {.help = "choose another name"},
               vhost.name.text, "virtual host", s.name().text, "the drill makes it and deletes it");
  }
  for (int member : s.members) {
    const Word& name = graph.model->servers[member].name();
    if (name.text.find('.') == std::string_view::npos) continue;
    diags.Emit(diag::kDottedHostName, name.span, {.help = "name the server by its first label"},
               name.text, s.name().text);
  }
}

// Everything in the plugins folder of 3.12.14; a name that is not there stops the node.
constexpr std::array kPlugins = std::to_array<std::string_view>({
    "rabbitmq_amqp1_0",
    "rabbitmq_auth_backend_cache",
    "rabbitmq_auth_backend_http",
    "rabbitmq_auth_backend_ldap",
    "rabbitmq_auth_backend_oauth2",
    "rabbitmq_auth_mechanism_ssl",
    "rabbitmq_consistent_hash_exchange",
    "rabbitmq_event_exchange",
    "rabbitmq_federation",
    "rabbitmq_federation_management",
    "rabbitmq_jms_topic_exchange",
    "rabbitmq_management",
    "rabbitmq_management_agent",
    "rabbitmq_mqtt",
    "rabbitmq_peer_discovery_aws",
    "rabbitmq_peer_discovery_common",
    "rabbitmq_peer_discovery_consul",
    "rabbitmq_peer_discovery_etcd",
    "rabbitmq_peer_discovery_k8s",
    "rabbitmq_prometheus",
    "rabbitmq_random_exchange",
    "rabbitmq_recent_history_exchange",
    "rabbitmq_sharding",
    "rabbitmq_shovel",
    "rabbitmq_shovel_management",
    "rabbitmq_stomp",
    "rabbitmq_stream",
    "rabbitmq_stream_management",
    "rabbitmq_top",
    "rabbitmq_tracing",
    "rabbitmq_trust_store",
    "rabbitmq_web_dispatch",
    "rabbitmq_web_mqtt",
    "rabbitmq_web_mqtt_examples",
    "rabbitmq_web_stomp",
    "rabbitmq_web_stomp_examples",
});

// What the module enables, and what these bring along.
constexpr std::array<std::string_view, 4> kEnabled{"rabbitmq_management",
                                                   "rabbitmq_management_agent",
                                                   "rabbitmq_prometheus", "rabbitmq_web_dispatch"};

void CheckPlugins(const Graph& graph, int service, Diagnostics& diags) {
  std::vector<std::string_view> enabled(kEnabled.begin(), kEnabled.end());
  for (const Value& plugin : graph.Setting(service, "plugins").list()) {
    const std::string_view name = plugin.str();
    if (std::ranges::find(kPlugins, name) == kPlugins.end()) {
      const std::string_view near = Nearest(name, kPlugins);
      diags.Emit(diag::kUnknownPlugin, plugin.origin,
                 {.help = near.empty() ? "take it away; plugins of others are not supported"
                                       : fmt::format("did you mean `{}`?", near)},
                 name);
    } else if (std::ranges::find(enabled, name) != enabled.end()) {
      diags.Emit(diag::kPluginTwice, plugin.origin, {.help = "take it away here"}, name);
    }
    enabled.push_back(name);
  }
}

constexpr std::array<std::string_view, 2> kSecrets{"admin", "cookie"};

void Check(const Graph& graph, int service, Diagnostics& diags) {
  CheckHeartbeat(graph, service, diags);
  CheckDiskLimit(graph, service, diags);
  CheckDataOnVolume(graph, service, "data_dir", false, diags);
  CheckOwnedParameters(graph, service, diags);
  CheckImage(graph, service, diags);
  CheckNames(graph, service, diags);
  CheckPlugins(graph, service, diags);
  CheckSecretsDiffer(graph, service, kSecrets, diags);
}

}  // namespace

const Hook kRabbitmqHa{"rabbitmq-ha", &Check};

}  // namespace kb::services
