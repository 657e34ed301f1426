// Hook: what a module must check or compute beyond what its manifest can say. The only place of the
// compiler where a service has a name.
#pragma once

#include <string_view>

#include "diag/diagnostic.h"
#include "graph/graph.h"

namespace kb::services {

struct Hook {
  std::string_view module;
  void (*check)(const graph::Graph& graph, int service, Diagnostics& diags);
  // What templates see as `computed`: its type (null: nothing), and its value for a service.
  tmpl::TypeRef (*computed)() = nullptr;
  tmpl::Value (*compute)(const graph::Graph& graph, int service, tmpl::Arena& arena) = nullptr;
};

// The hook of a module, or null.
const Hook* FindHook(std::string_view module);

extern const Hook kPostgresqlHa;
extern const Hook kPgbouncer;

}  // namespace kb::services
