#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/compile.h"
#include "cli/console.h"
#include "cli/dump.h"
#include "cli/plan_source.h"
#include "render/render.h"

namespace kb::cli {
namespace {

using Json = nlohmann::ordered_json;

Json OrNull(std::string_view text) { return text.empty() ? Json() : Json(text); }

// One artifact a line, printed as it is made: a large plan is large.
void PrintPlan(const Console& console, const Compilation& c) {
  std::string head = "{\n\"plan\": ";
  lower::AppendPlanJson(c.plan, head);
  console.Print(head + ",\n\"artifacts\": [");
  Diagnostics unused;
  const render::Renderer renderer(c.plan, c.sources, unused);
  const PlanSource source(c.plan, renderer);
  for (size_t i = 0; i < source.size(); ++i) {
    write::Item item = source.Describe(i);
    const module::Output* output = c.plan.OutputOf(c.plan.artifacts[i]);
    const Json row = {
        {"path", item.path},
        {"template", OrNull(output == nullptr ? std::string_view() : output->tmpl.text)},
        {"server", OrNull(item.server)},
        {"service", OrNull(item.service)},
        {"module", OrNull(item.module)},
        {"step", OrNull(item.step)},
        {"host_path", OrNull(item.host_path)},
        {"owner", OrNull(item.owner)},
        {"host_mode", item.host_mode == 0 ? Json() : Json(fmt::format("{:04o}", item.host_mode))}};
    console.Print((i == 0 ? "\n  " : ",\n  ") + row.dump());
  }
  console.Print("\n]\n}\n");
}

}  // namespace

Status Dump(const Options& options) {
  const Console console(options);
  Compilation c;
  const auto compiled = Compile({options.model, options.modules}, c);
  if (!compiled) return console.Fail(compiled.error());
  // Model and graph are worth looking at just when something is wrong with them.
  if (options.stage == "model") {
    console.Print(DumpModel(c.model).dump(2) + "\n");
  } else if (options.stage == "graph") {
    console.Print(DumpGraph(c.graph).dump(2) + "\n");
  } else if (*compiled) {
    PrintPlan(console, c);
  }
  if (console.text_format()) return console.Show(c.diags, c.sources);
  return c.diags.has_errors() ? Status::kFindings : Status::kDone;
}

}  // namespace kb::cli
