#include "render/render.h"

#include <atomic>
#include <map>

#include "base/files.h"
#include "diag/kinds.h"
#include "render/parse_back.h"

namespace kb::render {
namespace {

using module::Manifest;
using module::Output;

// "shell/prelude" is templates/_lib/shell/prelude.*.erb, whatever its ending.
tmpl::FindPartial PartialsOf(const module::Library& library) {
  return [&library](std::string_view name) {
    const std::string stem = fmt::format("_lib/{}.", name);
    for (std::string_view path : library.FilesBelow(stem)) {
      if (path.ends_with(".erb")) return library.File(path);
    }
    return Span{};
  };
}

std::vector<tmpl::Template> CompileAll(const Manifest& manifest, const module::Library& library,
                                       const Sources& sources, Diagnostics& diags) {
  const tmpl::FindPartial partial = PartialsOf(library);
  const tmpl::TypeRef member = lower::ScopeType(manifest, lower::Standpoint::kMember, library);
  const tmpl::TypeRef once = lower::ScopeType(manifest, lower::Standpoint::kOnce, library);
  std::vector<tmpl::Template> templates;
  for (const Output& output : manifest.outputs) {
    const std::string path = JoinPath(manifest.folder, output.tmpl.text);
    const Span source = library.File(path);
    const tmpl::Type& type =
        lower::StandpointOf(output) == lower::Standpoint::kMember ? *member : *once;
    tmpl::Template compiled;
    lower::CheckWhen(output, type, diags);
    if (source.known() && output.language != nullptr) {  // else reported with the manifest
      auto checked = tmpl::Compile(source, path, *output.language, type, partial, sources, diags);
      if (checked) compiled = std::move(*checked);
    }
    templates.push_back(std::move(compiled));
  }
  return templates;
}

// Scopes are made once for a run of artifacts of one service on one server; each thread keeps its
// last one. The number tells renderers apart, because an address may be used again.
struct LastScope {
  uint64_t renderer = 0;
  int service = -1;
  int server = -1;
  tmpl::Value scope;
  tmpl::Arena arena;
};

std::atomic<uint64_t> next_renderer{1};

}  // namespace

struct Renderer::State {
  const lower::Plan& plan;
  const uint64_t number = next_renderer++;
  std::map<const Manifest*, std::vector<tmpl::Template>> templates;

  const tmpl::Value& ScopeOf(const lower::Artifact& artifact) const {
    thread_local LastScope last;
    if (last.renderer == number && last.service == artifact.service &&
        last.server == artifact.server) {
      return last.scope;
    }
    last.arena.Reset();
    last.renderer = number;
    last.service = artifact.service;
    last.server = artifact.server;
    last.scope = plan.scopes->Make(artifact.service, artifact.server, last.arena);
    return last.scope;
  }
};

Renderer::Renderer(const lower::Plan& plan, const Sources& sources, Diagnostics& diags)
    : state_(std::make_unique<State>(plan)) {
  for (const graph::Service& service : plan.graph->services) {
    if (state_->templates.contains(service.manifest)) continue;
    state_->templates.emplace(service.manifest,
                              CompileAll(*service.manifest, *plan.graph->library, sources, diags));
  }
}

Renderer::~Renderer() = default;

bool Renderer::Render(const lower::Artifact& artifact, std::string& out,
                      std::vector<tmpl::Segment>* trace, Diagnostics& diags) const {
  const lower::Plan& plan = state_->plan;
  const Output* output = plan.OutputOf(artifact);
  if (output == nullptr) {
    plan.AppendEstate(artifact, out);
    return true;
  }
  const Manifest* manifest = plan.graph->services[artifact.service].manifest;
  const tmpl::Template& compiled = state_->templates.at(manifest)[artifact.output];
  const size_t begin = out.size();
  if (!tmpl::Execute(compiled, state_->ScopeOf(artifact), out, trace, diags)) return false;
  const std::string bad = ParseBack(std::string_view(out).substr(begin), *output->language);
  if (bad.empty()) return true;
  diags.Emit(diag::kBadArtifact, output->tmpl.span, plan.PathOf(artifact), bad);
  return false;
}

void CheckTemplates(const Manifest& manifest, const module::Library& library,
                    const Sources& sources, Diagnostics& diags) {
  CompileAll(manifest, library, sources, diags);
}

}  // namespace kb::render
