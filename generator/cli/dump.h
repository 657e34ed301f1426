// Dump: what a stage made, as JSON for people and tools. A name that is not there is null.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "graph/graph.h"
#include "model/model.h"

namespace kb::cli {

nlohmann::ordered_json DumpModel(const model::Model& model);
nlohmann::ordered_json DumpGraph(const graph::Graph& graph);

}  // namespace kb::cli
