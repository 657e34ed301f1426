// Plan: every artifact and step that the graph asks for, without their text.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "graph/graph.h"
#include "lower/scope.h"
#include "module/manifest.h"

namespace kb::lower {

// Which file: an output of a service's module, on a server or (server < 0) once. Twelve bytes,
// because a large estate has millions; paths and scopes are made when they are asked for.
struct Artifact {
  static constexpr int32_t kEstate = -1;

  int32_t service = kEstate;  // index into the graph's services; kEstate: a file of Plan::estate
  int32_t server = -1;        // index into the model's servers
  uint16_t output = 0;        // index into Manifest::outputs, or into Plan::estate
};

// A file that belongs to no service: the plan itself, the libraries of the scripts.
struct EstateFile {
  std::string path;        // in the output tree
  std::string_view bytes;  // of the plan's two forms none: they are large, and made when asked for
  std::string host_path;   // where it lands on every host; empty: nowhere
};

struct Plan {
  const graph::Graph* graph = nullptr;  // outlives the plan
  std::vector<EstateFile> estate;
  std::vector<Artifact> artifacts;  // the estate's, then by server, then once for each service
  std::unique_ptr<Scopes> scopes;

  // Appends the text of a file of the estate.
  void AppendEstate(const Artifact& artifact, std::string& out) const;
  // Null for files of the estate.
  const module::Output* OutputOf(const Artifact& artifact) const;
  std::string PathOf(const Artifact& artifact) const;      // in the output tree
  std::string HostPathOf(const Artifact& artifact) const;  // on the host; empty: nowhere by itself
};

// Where an artifact of a member lands, its placeholders replaced. Scripts: in the service's folder.
std::string HostPath(const graph::Graph& graph, int service, const module::Output& output);

// Lists what must be rendered. Pure; reports two outputs that want one path.
Plan MakePlan(const graph::Graph& graph, const Sources& sources, Diagnostics& diags);

// What a runner must know: servers, services, steps, order, gates and credentials, as PLAN.json and
// as PLAN.tsv.
void AppendPlanJson(const Plan& plan, std::string& out);
void AppendPlanTsv(const Plan& plan, std::string& out);

// How SSH reaches a server: "root@192.0.2.11".
std::string AddressOf(const model::Server& server);

}  // namespace kb::lower
