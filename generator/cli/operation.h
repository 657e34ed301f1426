// Operation: one run of steps over a site, from the lock to the summary.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/console.h"
#include "cli/site.h"
#include "run/errand.h"
#include "run/executor.h"
#include "run/validation.h"

namespace kb::cli {

struct Operation {
  std::string verb;  // "apply", as the title and in what continues
  run::StepKind kind = run::StepKind::kApply;
  // Of the tasks that the command line selects, those that are meant; none: all.
  std::function<bool(const run::Step&)> wanted;
  std::vector<std::string> arguments;  // of the steps
  run::Errand::Ship ship = run::Errand::Ship::kFiles;
  // What the steps do is not wished to stop at the first failure: validations.
  bool all = false;
  bool reports = false;  // read as suites of checks
  bool again = false;    // also what is done: it was asked for by its name
};

// Runs it, shows it as the command line asks, and says at the end what to do next.
Status Operate(const Console& console, const Options& options, Site site, Operation operation);

}  // namespace kb::cli
