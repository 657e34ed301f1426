// PostgreSQL with Patroni: the arithmetic of its time-outs and connections.
#include <algorithm>

#include <fmt/core.h>

#include "diag/kinds.h"
#include "services/hook.h"

namespace kb::services {
namespace {

using graph::Graph;

// A leader must be able to lose one round and retry twice before its lease ends, or it is demoted
// for a hiccup (Patroni's manual, "ttl must be greater than loop_wait + 2 * retry_timeout").
void CheckTimeouts(const Graph& graph, int service, Diagnostics& diags) {
  const int64_t ttl = graph.Setting(service, "ttl").number;
  const int64_t loop_wait = graph.Setting(service, "loop_wait").number;
  const int64_t retry = graph.Setting(service, "retry_timeout").number;
  if (ttl >= loop_wait + 2 * retry) return;
  diags.Emit(diag::kPatroniTimeouts, graph.SettingSpan(service, "ttl"),
             {.labels = {{graph.SettingSpan(service, "loop_wait"), "loop_wait"},
                         {graph.SettingSpan(service, "retry_timeout"), "retry_timeout"}},
              .help = "lower `retry_timeout`, or raise `ttl`"},
             graph.services[service].name().text, ttl, loop_wait, retry, loop_wait + 2 * retry);
}

void CheckConsensus(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  if (graph.Setting(service, "dcs").str() == "raft") {
    diags.Emit(diag::kRaftDeprecated, s.model->span, s.name().text);
  } else if (graph.Setting(service, "etcd_hosts").size == 0) {
    diags.Emit(diag::kNoEtcdHosts, graph.SettingSpan(service, "dcs"),
               {.help = "name its members as `host:port`"}, s.name().text);
  }
}

// The image is ours: its base must have apt, the uid 999 and the paths that the templates rely on.
void CheckImages(const Graph& graph, int service, Diagnostics& diags) {
  const graph::Service& s = graph.services[service];
  for (size_t i = 0; i < s.images.size(); ++i) {
    const model::ImageVersion* image = s.images[i];
    if (image == nullptr) continue;
    if (s.manifest->images[i].name.text == "patroni" && !image->build) {
      diags.Emit(diag::kForeignPatroni, image->ref.span,
                 {.help = "say `build: true` and give it a tag of your own"}, image->ref.text);
    }
    if (s.manifest->images[i].name.text == "postgres_base" &&
        image->image.tag.find("alpine") != std::string_view::npos) {
      diags.Emit(diag::kAlpineBase, image->ref.span,
                 {.help = "take the Debian flavour, `-bookworm`"}, image->ref.text);
    }
  }
}

// What all pools together may open: PgBouncer counts max_db_connections for each database and
// instance, its reserve pool included (pgbouncer.ini manual, max_db_connections).
int64_t PooledConnections(const Graph& graph, int provider) {
  int64_t sum = 0;
  for (size_t i = 0; i < graph.services.size(); ++i) {
    const graph::Service& service = graph.services[i];
    for (size_t n = 0; n < service.needs.size(); ++n) {
      if (service.needs[n].to.service != provider || service.manifest->needs[n].route.empty())
        continue;
      const tmpl::Value limit = graph.Setting(static_cast<int>(i), "max_db_connections");
      if (limit.kind != tmpl::Kind::kInt) continue;
      const auto route = service.manifest->needs[n].route.text;
      const auto databases =
          std::ranges::count_if(graph.services[provider].databases, [&](const graph::Resource& d) {
            return std::ranges::find(d.routes, route) != d.routes.end();
          });
      sum += limit.number * static_cast<int64_t>(service.members.size()) *
             static_cast<int64_t>(databases);
    }
  }
  return sum;
}

void CheckConnections(const Graph& graph, int service, Diagnostics& diags) {
  const int64_t limit = graph.Setting(service, "max_connections").number;
  const int64_t reserved = graph.Setting(service, "superuser_reserved_connections").number;
  const int64_t pooled = PooledConnections(graph, service);
  if (pooled <= limit - reserved) return;
  diags.Emit(diag::kPoolsExceed, graph.SettingSpan(service, "max_connections"),
             {.help = "lower `max_db_connections` of the pooler, or raise `max_connections`"},
             graph.services[service].name().text, pooled, limit - reserved);
}

// Names that a setting of its own decides: in the map they would contradict it.
void CheckOwnedParameters(const Graph& graph, int service, Diagnostics& diags) {
  for (const tmpl::Value& pair : graph.Setting(service, "parameters").list()) {
    const std::string_view name = pair.list()[0].str();
    if (name != "max_connections" && name != "superuser_reserved_connections" && name != "port")
      continue;
    diags.Emit(diag::kOwnedParameter, pair.list()[0].origin,
               {.help = name == "port" ? "say `ports: {sql: …}`"
                                       : fmt::format("say `{}:` among the settings", name)},
               name);
  }
}

void Check(const Graph& graph, int service, Diagnostics& diags) {
  CheckTimeouts(graph, service, diags);
  CheckConsensus(graph, service, diags);
  CheckImages(graph, service, diags);
  CheckConnections(graph, service, diags);
  CheckOwnedParameters(graph, service, diags);
}

}  // namespace

const Hook kPostgresqlHa{"postgresql-ha", &Check};

}  // namespace kb::services
