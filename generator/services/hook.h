// Hook: what a module must check or compute beyond what its manifest can say. The only place of the
// compiler where a service has a name.
#pragma once

#include <span>
#include <string_view>

#include "diag/diagnostic.h"
#include "graph/graph.h"

namespace kb::services {

struct Hook {
  std::string_view module;
  void (*check)(const graph::Graph& graph, int service, Diagnostics& diags);
  // What templates see as `computed`: its type (null: nothing), and its value for a service.
  // `server` is the type of a server's record, `members` are the records of the service's.
  tmpl::TypeRef (*computed)(const tmpl::TypeRef& server) = nullptr;
  tmpl::Value (*compute)(const graph::Graph& graph, int service,
                         std::span<const tmpl::Value> members, tmpl::Arena& arena) = nullptr;
};

// The hook of a module, or null.
const Hook* FindHook(std::string_view module);

extern const Hook kPostgresqlHa;
extern const Hook kPgbouncer;
extern const Hook kMariadbGalera;
extern const Hook kMinio;
extern const Hook kProxysql;
extern const Hook kRabbitmqHa;
extern const Hook kRedisHa;
extern const Hook kRedisWatcher;

}  // namespace kb::services
