#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/plan_source.h"
#include "diag/kinds.h"
#include "module/embedded.h"
#include "render/render.h"

namespace kb::cli {
namespace {

// The examples as files: a topology is read from the disk, whoever asks. Their paths are those of
// the source tree, so that what is reported can be opened there.
class Examples {
 public:
  Result<void> Unpack(const module::Library& library, const Sources& sources) {
    std::string folder =
        (std::filesystem::temp_directory_path() / "kbgen-selfcheck-XXXXXX").string();
    if (mkdtemp(folder.data()) == nullptr) return Fail(fmt::format("cannot make `{}`", folder));
    folder_ = folder;
    for (const std::string_view path : library.FilesBelow("")) {
      const size_t slash = path.find('/');
      const bool example =
          path.substr(slash + 1).starts_with("example") || path.starts_with("_init/");
      if (!example) continue;
      const std::string file = fmt::format("{}/templates/{}", folder_, path);
      if (auto written = WriteFileAtomically(file, sources.Text(library.File(path)), 0600);
          !written)
        return written;
    }
    return {};
  }
  // Examples are named as in the source tree, which is where people fix them.
  Result<void> Enter() const {
    if (chdir(folder_.c_str()) != 0) return Fail(fmt::format("cannot enter `{}`", folder_));
    return {};
  }
  ~Examples() {
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
  }

 private:
  std::string folder_;
};

// Every template is compiled against all that it can see, whether an example uses it or not.
void CheckModules(const module::Library& library, const Sources& sources, Diagnostics& diags) {
  for (const module::Manifest& manifest : library.modules()) {
    render::CheckTemplates(manifest, library, sources, diags);
    for (const std::string_view file : {"example.yaml", "README.md"}) {
      if (library.File(JoinPath(manifest.folder, file)).known()) continue;
      diags.Emit(diag::kMissingTemplate, manifest.span, file);
    }
    for (const std::string_view path : library.FilesBelow(manifest.folder + "/")) {
      const std::string_view name = path.substr(manifest.folder.size() + 1);
      const auto uses = [&](const module::Output& output) { return output.tmpl.text == name; };
      if (!name.ends_with(".erb") || std::ranges::any_of(manifest.outputs, uses)) continue;
      diags.Emit(diag::kUnusedTemplate, library.File(path), name);
    }
  }
}

// Renders a whole topology into nothing. Only errors count: an example may be too small for a rule
// that warns.
Status RenderExample(const std::string& model, const Options& options, const Console& console) {
  Compilation c;
  const auto compiled = Compile({model, options.modules}, c);
  if (!compiled) return console.Fail(compiled.error());
  if (*compiled) {
    const render::Renderer renderer(c.plan, c.sources, c.diags);
    std::string text;
    for (const lower::Artifact& artifact : c.plan.artifacts) {
      if (c.diags.has_errors()) break;
      text.clear();
      renderer.Render(artifact, text, nullptr, c.diags);
    }
    console.Progress(fmt::format("{}: {} files", model, c.plan.artifacts.size()));
  }
  return c.diags.has_errors() ? console.Show(c.diags, c.sources) : Status::kDone;
}

}  // namespace

Status Selfcheck(const Options& given) {
  Options options = given;
  for (std::string& folder : options.modules) folder = std::filesystem::absolute(folder).string();
  const Console console(options);
  Sources sources;
  Diagnostics diags;
  const auto library = module::Library::Load(options.modules, sources, diags);
  if (!library) return console.Fail(library.error());
  CheckModules(*library, sources, diags);
  if (diags.has_errors()) return console.Show(diags, sources);

  Examples examples;
  auto ready = examples.Unpack(*library, sources);
  if (ready) ready = examples.Enter();
  if (!ready) return console.Fail(ready.error());
  Status worst = RenderExample("templates/_init/model/topology.yaml", options, console);
  for (const module::Manifest& manifest : library->modules()) {
    const Status status =
        RenderExample(fmt::format("templates/{}/example.yaml", manifest.folder), options, console);
    worst = std::max(worst, status);
  }
  if (worst == Status::kDone) {
    console.PrintSummary(fmt::format("{} modules are sound\n", library->modules().size()));
  }
  return worst;
}

}  // namespace kb::cli
