#include "cli/compile.h"

#include "check/check.h"

namespace kb {

Result<Checked<Done>> Compile(const CompileOptions& options, Compilation& c) {
  KB_TRY(library, module::Library::Load(options.module_dirs, c.sources, c.diags));
  c.library = std::move(library);

  KB_TRY(model, model::Load(options.model, c.sources, c.diags));
  c.model = std::move(model);

  c.graph = graph::Resolve(c.model, c.library, c.diags);

  check::CheckRules(c.graph, c.sources, c.diags);
  if (auto clean = c.diags.Gate(); !clean) return Checked<Done>(std::unexpected(clean.error()));

  c.plan = lower::MakePlan(c.graph, c.sources, c.diags);
  return c.diags.Gate();
}

}  // namespace kb
