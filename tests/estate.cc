#include "estate.h"

#include <filesystem>

#include "base/files.h"
#include "cli/frozen.h"
#include "diag/print.h"
#include "render/render.h"
#include "secrets/survey.h"

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

// Version control keeps no modes; these are what `kbgen secrets` insists on.
void MakePrivate(const std::string& folder) {
  namespace fs = std::filesystem;
  fs::permissions(folder, fs::perms::owner_all);
  for (const auto& file : fs::directory_iterator(folder)) {
    fs::permissions(file, fs::perms::owner_read | fs::perms::owner_write);
  }
}

Result<void> LookAtSecrets(const std::string& path, Compilation& c) {
  MakePrivate(path);
  KB_TRY(folder, secrets::Folder::Open(path));
  KB_TRY(survey, secrets::Look(folder, c.model, c.sources, c.diags));
  secrets::Judge(folder, survey, c.sources, c.diags);
  return {};
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
  if (question.depth == Depth::kSecrets && compiled && compiled->has_value()) {
    const auto looked = LookAtSecrets(JoinPath(question.root, "credentials"), c);
    if (!looked) verdict.failure = looked.error().message;
  }
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
