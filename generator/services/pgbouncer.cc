// PgBouncer: pools that fit into each other.
#include "diag/kinds.h"
#include "services/hook.h"
#include "services/lookup.h"

namespace kb::services {
namespace {

void Check(const graph::Graph& graph, int service, Diagnostics& diags) {
  const int64_t limit = graph.Setting(service, "max_db_connections").number;
  const int64_t pool = graph.Setting(service, "default_pool_size").number;
  const int64_t reserve = graph.Setting(service, "reserve_pool_size").number;
  if (pool + reserve <= limit) return;
  diags.Emit(diag::kPoolTooLarge, graph.SettingSpan(service, "default_pool_size"),
             {.labels = LabelsOf(graph, service, {"reserve_pool_size", "max_db_connections"}),
              .help = "raise `max_db_connections`, or lower one of the others"},
             graph.services[service].name().text, pool, reserve, limit);
}

}  // namespace

const Hook kPgbouncer{"pgbouncer", &Check};

}  // namespace kb::services
