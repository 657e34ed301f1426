#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/frozen.h"
#include "cli/paint_diff.h"
#include "cli/plan_source.h"
#include "render/render.h"

namespace kb::cli {

// Everything short of the output tree: a template's mistakes are reported here, too, and so is what
// would change in a frozen service. Of all artifacts only those of frozen services are rendered.
Status Check(const Options& options) {
  const Console console(options);
  Compilation c;
  const auto compiled = Compile({options.model, options.modules}, c);
  if (!compiled) return console.Fail(compiled.error());
  if (!*compiled) return console.Show(c.diags, c.sources);
  const render::Renderer renderer(c.plan, c.sources, c.diags);
  const PlanSource source(c.plan, renderer);
  FrozenGuard guard(c, renderer, source,
                    {.out = options.out, .threads = ThreadsFor(c.plan, options.jobs)});
  if (!c.diags.has_errors()) guard.RenderAndInspect(c.diags);
  if (console.text_format() && !options.quiet) {
    console.Print(PaintDiff(guard.differences(), console.color_on_stdout()));
  }
  console.PrintSummary(fmt::format("{}: {} servers, {} services, {} files\n", options.model,
                                   c.model.servers.size(), c.graph.services.size(),
                                   c.plan.artifacts.size()));
  return console.Show(c.diags, c.sources, guard.ToJson());
}

}  // namespace kb::cli
