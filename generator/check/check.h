// Check: every rule over the model and the graph.
#pragma once

#include "diag/diagnostic.h"
#include "graph/graph.h"

namespace kb::check {

// Runs the rules of rules.def in their order. A rule sees the graph, never a rendered text. Errors
// that the topology waives become information that names who waived them.
void CheckRules(const graph::Graph& graph, const Sources& sources, Diagnostics& diags);

}  // namespace kb::check
