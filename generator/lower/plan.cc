#include "lower/plan.h"

#include <algorithm>
#include <unordered_map>

#include <fmt/core.h>

#include "base/files.h"
#include "diag/kinds.h"

namespace kb::lower {
namespace {

using module::Area;
using module::Output;

constexpr std::string_view kPlanFile = "PLAN.json", kPlanForBash = "PLAN.tsv";
constexpr std::string_view kLibrary = "_lib/host/";  // files that go to every host as they are
constexpr std::string_view kRunners = "_lib/run/";   // stand at the top of the tree; run.sh

// Paths are made millions of times in a large estate, so they are appended, not formatted.
void AppendExpanded(const graph::Graph& graph, int service, std::string_view path,
                    std::string& out) {
  constexpr std::string_view kTopology = "{topology}", kService = "{service}";
  constexpr std::string_view kDomain = "{domain}";
  for (size_t brace; (brace = path.find('{')) != std::string_view::npos;) {
    out += path.substr(0, brace);
    path.remove_prefix(brace);
    if (path.starts_with(kTopology)) {
      out += graph.model->name.text;
      path.remove_prefix(kTopology.size());
    } else if (path.starts_with(kDomain)) {
      out += graph.model->domain.text;
      path.remove_prefix(kDomain.size());
    } else if (path.starts_with(kService)) {
      out += graph.services[service].name().text;
      path.remove_prefix(kService.size());
    } else {
      out += '{';
      path.remove_prefix(1);
    }
  }
  out += path;
}

void AppendFolder(const graph::Service& service, std::string& out) {
  out.append(service.manifest->label).append("-").append(service.name().text);
}

void AddEstate(Plan& plan, const Sources& sources) {
  plan.estate.push_back({std::string(kPlanFile), {}, {}});
  // For run.sh; no host needs it.
  plan.estate.push_back({std::string(kPlanForBash), {}, {}});
  const module::Library& library = *plan.graph->library;
  for (std::string_view path : library.FilesBelow(kLibrary)) {
    const std::string_view name = path.substr(kLibrary.size());
    plan.estate.push_back({fmt::format("lib/{}", name), sources.Text(library.File(path)),
                           fmt::format("{}/lib/{}", plan.graph->model->install_root.text, name)});
  }
  for (std::string_view path : library.FilesBelow(kRunners)) {
    plan.estate.push_back(
        {std::string(path.substr(kRunners.size())), sources.Text(library.File(path)), {}});
  }
  for (size_t i = 0; i < plan.estate.size(); ++i) {
    plan.artifacts.push_back({Artifact::kEstate, -1, static_cast<uint16_t>(i)});
  }
}

bool RunsOn(const graph::Service& service, const Output& output, int server) {
  if (output.step < 0) return true;
  const module::Step& step = service.manifest->steps[output.step];
  return step.strategy != module::Strategy::kFirst || service.members.front() == server;
}

// What a large estate lists is moved no more than once.
size_t ArtifactsAtMost(const graph::Graph& graph) {
  size_t most = 0;
  for (const graph::Service& service : graph.services) {
    most += (service.members.size() + 1) * service.manifest->outputs.size();
  }
  return most;
}

void AddMembers(Plan& plan) {
  plan.artifacts.reserve(plan.artifacts.size() + ArtifactsAtMost(*plan.graph));
  tmpl::Arena arena;
  for (size_t server = 0; server < plan.graph->services_on.size(); ++server) {
    for (int s : plan.graph->services_on[server]) {
      const graph::Service& service = plan.graph->services[s];
      const auto& outputs = service.manifest->outputs;
      arena.Reset();
      tmpl::Value scope;  // made only when some output asks for it
      for (size_t i = 0; i < outputs.size(); ++i) {
        if (outputs[i].area != Area::kServer ||
            !RunsOn(service, outputs[i], static_cast<int>(server)))
          continue;
        if (!outputs[i].when.empty()) {
          if (scope.kind == tmpl::Kind::kAbsent)
            scope = plan.scopes->Make(s, static_cast<int>(server), arena);
          if (!plan.scopes->Exists(s, outputs[i], scope)) continue;
        }
        plan.artifacts.push_back({s, static_cast<int32_t>(server), static_cast<uint16_t>(i)});
      }
    }
  }
}

void AddOnce(Plan& plan, Diagnostics& diags) {
  tmpl::Arena arena;
  std::unordered_map<std::string, Artifact> seen;
  for (size_t s = 0; s < plan.graph->services.size(); ++s) {
    const graph::Service& service = plan.graph->services[s];
    const tmpl::Value scope = plan.scopes->Make(static_cast<int>(s), -1, arena);
    for (size_t i = 0; i < service.manifest->outputs.size(); ++i) {
      const Output& output = service.manifest->outputs[i];
      if (output.area == Area::kServer || !plan.scopes->Exists(static_cast<int>(s), output, scope))
        continue;
      const Artifact artifact{static_cast<int32_t>(s), -1, static_cast<uint16_t>(i)};
      const auto [first, fresh] = seen.emplace(plan.PathOf(artifact), artifact);
      if (fresh) {
        plan.artifacts.push_back(artifact);
        continue;
      }
      // Two services of one module share its images; the second one says nothing new.
      if (output.area == Area::kImages && plan.OutputOf(first->second) == &output) continue;
      diags.Emit(diag::kOutputCollision, output.tmpl.span,
                 {.labels = {{plan.OutputOf(first->second)->tmpl.span, "the other one"}}},
                 first->first);
    }
  }
}

// Within a module, two artifacts of a member with one path would overwrite each other.
void CheckCollisions(const graph::Graph& graph, Diagnostics& diags) {
  for (size_t s = 0; s < graph.services.size(); ++s) {
    std::unordered_map<std::string, const Output*> seen;
    for (const Output& output : graph.services[s].manifest->outputs) {
      if (output.area != Area::kServer) continue;
      const auto [first, fresh] =
          seen.emplace(HostPath(graph, static_cast<int>(s), output), &output);
      if (fresh || !output.when.empty() || !first->second->when.empty()) continue;
      diags.Emit(diag::kOutputCollision, output.tmpl.span,
                 {.labels = {{first->second->tmpl.span, "the other one"}}}, first->first);
    }
  }
}

}  // namespace

std::string HostPath(const graph::Graph& graph, int service, const Output& output) {
  std::string path;
  if (output.step < 0) {
    AppendExpanded(graph, service, output.path, path);
    return path;
  }
  path.append(graph.model->install_root.text).append("/");
  AppendFolder(graph.services[service], path);
  return path.append("/").append(output.path);
}

void Plan::AppendEstate(const Artifact& artifact, std::string& out) const {
  const EstateFile& file = estate[artifact.output];
  if (file.path == kPlanFile) return AppendPlanJson(*this, out);
  if (file.path == kPlanForBash) return AppendPlanTsv(*this, out);
  out += file.bytes;
}

const Output* Plan::OutputOf(const Artifact& artifact) const {
  if (artifact.service == Artifact::kEstate) return nullptr;
  return &graph->services[artifact.service].manifest->outputs[artifact.output];
}

std::string Plan::PathOf(const Artifact& artifact) const {
  const Output* output = OutputOf(artifact);
  if (output == nullptr) return estate[artifact.output].path;
  std::string path;
  path.reserve(128);
  switch (output->area) {
    case Area::kModules:
      path = "modules/";
      break;
    case Area::kDocs:
      path = "docs/";
      break;
    case Area::kImages:
      path = "images/";
      break;
    case Area::kLb:
      path = "lb/";
      break;
    case Area::kDns:
      path = "dns/";
      break;
    case Area::kServer:
      path.append("servers/")
          .append(graph->model->servers[artifact.server].name().text)
          .append("/");
      break;
  }
  if (output->area != Area::kImages && output->area != Area::kLb && output->area != Area::kDns) {
    AppendFolder(graph->services[artifact.service], path);
    if (!output->path.starts_with('/')) path += '/';
  }
  AppendExpanded(*graph, artifact.service, output->path, path);
  return path;
}

std::string Plan::HostPathOf(const Artifact& artifact) const {
  const Output* output = OutputOf(artifact);
  if (output == nullptr) return estate[artifact.output].host_path;
  const std::string_view root = graph->model->install_root.text;
  switch (output->area) {
    case Area::kServer:
      return HostPath(*graph, artifact.service, *output);
    case Area::kImages:
    case Area::kModules:
    case Area::kLb:
      return fmt::format("{}/{}", root, PathOf(artifact));
    case Area::kDocs:
    case Area::kDns:
      return {};
  }
  return {};
}

Plan MakePlan(const graph::Graph& graph, const Sources& sources, Diagnostics& diags) {
  Plan plan{
      .graph = &graph, .estate = {}, .artifacts = {}, .scopes = std::make_unique<Scopes>(graph)};
  AddEstate(plan, sources);
  AddMembers(plan);
  AddOnce(plan, diags);
  CheckCollisions(graph, diags);
  return plan;
}

}  // namespace kb::lower
