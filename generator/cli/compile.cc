#include "cli/compile.h"

#include "base/files.h"
#include "check/check.h"
#include "freeze/content.h"

namespace kb {

std::string LockPath(const std::string& model) {
  return JoinPath(DirectoryOf(model), freeze::kLockName);
}

Result<Checked<Done>> Compile(const CompileOptions& options, Compilation& c) {
  KB_TRY(library, module::Library::Load(options.module_dirs, c.sources, c.diags));
  c.library = std::move(library);

  KB_TRY(model, model::Load(options.model, c.sources, c.diags));
  c.model = std::move(model);

  c.graph = graph::Resolve(c.model, c.library, c.diags);

  check::CheckRules(c.graph, c.sources, c.diags);

  KB_TRY(lock, freeze::Load(LockPath(options.model), c.sources, c.diags));
  c.lock = std::move(lock);
  freeze::CheckLock(c.lock, c.graph, c.diags);
  if (auto clean = c.diags.Gate(); !clean) return Checked<Done>(std::unexpected(clean.error()));

  c.plan = lower::MakePlan(c.graph, c.sources, c.diags);
  return c.diags.Gate();
}

}  // namespace kb
