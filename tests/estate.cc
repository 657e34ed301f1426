#include "estate.h"

#include "base/files.h"
#include "cli/frozen.h"
#include "diag/print.h"
#include "render/render.h"

namespace kb::test {
namespace {

void RenderAll(Compilation& c) {
  const render::Renderer renderer(c.plan, c.sources, c.diags);
  if (c.diags.has_errors()) return;
  cli::FrozenGuard(c, renderer, cli::PlanSource(c.plan, renderer), {.out = "out", .threads = 1})
      .RenderAndInspect(c.diags);
  for (const lower::Artifact& artifact : c.plan.artifacts) {
    std::string text;
    renderer.Render(artifact, text, nullptr, c.diags);
  }
}

}  // namespace

std::string Verdict::Text(const std::string& root) const {
  std::string text = Print(diagnostics, compilation->sources, DiagFormat::kText, {});
  const std::string prefix = root + "/";
  for (size_t at; (at = text.find(prefix)) != std::string::npos;) text.erase(at, prefix.size());
  return text;
}

Verdict Judge(const Question& question) {
  Verdict verdict{.compilation = std::make_unique<Compilation>(), .diagnostics = {}, .failure = {}};
  CompileOptions options{.model = JoinPath(question.root, question.topology), .module_dirs = {}};
  if (!question.modules.empty()) options.module_dirs = {JoinPath(question.root, question.modules)};
  Compilation& c = *verdict.compilation;
  const auto compiled = Compile(options, c);
  if (!compiled) verdict.failure = compiled.error().message;
  if (question.depth == Depth::kRender && compiled && compiled->has_value()) RenderAll(c);
  verdict.diagnostics = c.diags.Sorted();
  return verdict;
}

void CopyTree(const std::string& from, const std::string& to) {
  for (const std::string& file : ListTree(from).value_or(std::vector<std::string>{})) {
    auto bytes = ReadFile(JoinPath(from, file));
    KB_CHECK(bytes && WriteFileAtomically(JoinPath(to, file), *bytes, 0644));
  }
}

}  // namespace kb::test
