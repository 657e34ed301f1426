// Plan: every artifact and step that the graph asks for, without their text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "module/manifest.h"

namespace kb::lower {

// Which file: an output of a service's module, on a server or (server < 0) once. Twelve bytes,
// because a large estate has millions; paths and scopes are made when they are asked for.
struct Artifact {
  uint32_t service = 0;      // index into the graph's services
  int32_t server = -1;       // index into the model's servers
  uint16_t output = 0;       // index into Manifest::outputs
};

struct Plan {
  const graph::Graph* graph = nullptr;     // outlives the plan
  std::vector<Artifact> artifacts;         // by server in inventory order, then service, then output

  // The path in the output tree.
  std::string PathOf(const Artifact& artifact) const;
};

// Lists what must be rendered. Pure; reports two outputs that want one path.
Plan MakePlan(const graph::Graph& graph, Diagnostics& diags);

// PLAN.json: services, steps, hosts, order, strategies, as text.
std::string PlanJson(const Plan& plan);

}  // namespace kb::lower
