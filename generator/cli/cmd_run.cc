#include <algorithm>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "base/files.h"
#include "cli/commands.h"
#include "cli/operation.h"
#include "run/kept.h"

namespace kb::cli {
namespace {

Status OpenAndOperate(const Options& options, Operation operation) {
  const Console console(options);
  auto site = OpenSite(options);
  if (!site) return console.Complain(site.error().message, site.error().status);
  return Operate(console, options, std::move(*site), std::move(operation));
}

}  // namespace

Status Apply(const Options& options) { return OpenAndOperate(options, {.verb = "apply"}); }

Status ShowPlan(const Options& options) {
  Options looking = options;
  looking.run.dry_run = true;
  return OpenAndOperate(looking, {.verb = "plan"});
}

Status Validate(const Options& options) {
  return OpenAndOperate(
      options,
      {.verb = "validate", .kind = run::StepKind::kValidate, .all = true, .reports = true});
}

Status Drill(const Options& options) {
  const Console console(options);
  auto site = OpenSite(options);
  if (!site) return console.Complain(site.error().message, site.error().status);
  if (!options.run.yes && !options.run.dry_run) {
    return console.Complain(
        fmt::format("a drill takes parts of `{}` down to see whether it survives that; say --yes",
                    options.run.service),
        Status::kUsage);
  }
  Options drilling = options;
  drilling.run.services = {options.run.service};
  return Operate(console, drilling, std::move(*site),
                 {.verb = "drill " + options.run.service, .kind = run::StepKind::kDrill});
}

// One named step, whatever its kind is. What it takes away it asks for itself, by its arguments.
Status RunStep(const Options& options) {
  const Console console(options);
  auto site = OpenSite(options);
  if (!site) return console.Complain(site.error().message, site.error().status);
  const run::Plan& plan = site->tree.plan;
  const int service = plan.FindService(options.run.service);
  if (service < 0) {
    return console.Complain(fmt::format("the plan has no service `{}`", options.run.service),
                            Status::kUsage);
  }
  const std::vector<int>& steps = plan.services[static_cast<size_t>(service)].steps;
  const auto found = std::ranges::find_if(steps, [&](int step) {
    return plan.steps[static_cast<size_t>(step)].name == options.run.step;
  });
  if (found == steps.end()) {
    std::string known;
    for (int step : steps) {
      const run::Step& row = plan.steps[static_cast<size_t>(step)];
      known += fmt::format("  {:<32} {:<9} {}\n", row.name, Name(row.kind), row.help);
    }
    if (options.run.step.empty()) {
      console.Print(known);
      return Status::kDone;
    }
    return console.Complain(fmt::format("`{}` has no step `{}`. It has:\n{}", options.run.service,
                                        options.run.step, known.substr(0, known.size() - 1)),
                            Status::kUsage);
  }
  if (std::ranges::find(options.run.arguments, "") != options.run.arguments.end()) {
    return console.Complain("an argument of a step cannot be empty", Status::kUsage);
  }
  const run::Step& step = plan.steps[static_cast<size_t>(*found)];
  Options running = options;
  running.run.services = {options.run.service};
  return Operate(console, running, std::move(*site),
                 {.verb = fmt::format("run {} {}", options.run.service, step.name),
                  .kind = step.kind,
                  .wanted = [name = step.name](const run::Step& row) { return row.name == name; },
                  .arguments = options.run.arguments,
                  .all = step.kind == run::StepKind::kValidate,
                  .reports = step.kind == run::StepKind::kValidate,
                  .again = true});
}

Status Rollback(const Options& options) {
  const Console console(options);
  auto now = OpenSite(options);
  if (!now) return console.Complain(now.error().message, now.error().status);
  const auto text = ReadFile(JoinPath(now->state, run::kJournalName));
  if (!text) return console.Fail(text.error());
  const auto history = run::ParseJournal(*text);
  if (!history) return console.Fail(history.error());
  const auto path = run::FindKept(JoinPath(now->state, "trees"), *history, options.run.to);
  if (!path) return console.Fail(path.error());
  Options back = options;
  back.out = *path;
  auto site = OpenSite(back);
  if (!site) return console.Complain(site.error().message, site.error().status);
  console.PrintSummary(fmt::format("back to the tree {}\n", site->tree.readable_id()));
  // What continues is named by its tree: by then another one would be the one before.
  Operation operation = {.verb = "apply", .ship = run::Errand::Ship::kSwitchFirst};
  return Operate(console, back, std::move(*site), std::move(operation));
}

}  // namespace kb::cli
