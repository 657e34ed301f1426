#include <fmt/core.h>

#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "render/render.h"

namespace kb::cli {

// Everything short of the output tree: a template's mistakes are reported here, too.
Status Check(const Options& options) {
  const Console console(options);
  Compilation c;
  const auto compiled = Compile({options.model, options.modules}, c);
  if (!compiled) return console.Fail(compiled.error());
  if (*compiled) {
    const render::Renderer renderer(c.plan, c.sources, c.diags);
    console.PrintSummary(fmt::format("{}: {} servers, {} services, {} files\n", options.model,
                                     c.model.servers.size(), c.graph.services.size(),
                                     c.plan.artifacts.size()));
  }
  return console.Show(c.diags, c.sources);
}

}  // namespace kb::cli
