#include "cli/operation.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "base/files.h"
#include "cli/run_view.h"
#include "run/kept.h"
#include "run/lock.h"
#include "run/logbook.h"
#include "run/show.h"
#include "run/summary.h"

namespace kb::cli {
namespace {

// Nothing is begun with credentials that will be missed half-way.
Result<void> ProveCredentials(const run::Plan& plan, const std::vector<run::Task>& tasks) {
  std::vector<run::CredentialName> names;
  for (const run::Task& task : tasks) {
    for (int service : plan.servers[static_cast<size_t>(task.server)].services) {
      for (const auto& credential : plan.services[static_cast<size_t>(service)].credentials) {
        names.push_back({credential.file, credential.key});
      }
    }
  }
  const auto read = run::ReadCredentials(plan.credentials, std::move(names));
  if (!read) return std::unexpected(read.error());
  return {};
}

Result<void> MakeFolder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), error);
  if (mkdir(path.c_str(), 0750) == 0 || errno == EEXIST) return {};
  return write::SystemError("make", path);
}

// What a run that changes something holds while it lasts.
struct Traces {
  run::RunLock lock;
  run::Journal journal;
};

Result<Traces> OpenTraces(const Site& site, const run::RunIdentity& identity) {
  for (const std::string& folder : {site.state, site.logs, site.reports}) {
    if (auto made = MakeFolder(folder); !made) return std::unexpected(made.error());
  }
  KB_TRY(lock, run::RunLock::Take(JoinPath(site.state, "lock")));
  KB_TRY(journal,
         run::Journal::Open(JoinPath(site.state, run::kJournalName),
                            {.time = run::UtcNow(), .run = identity.run, .who = identity.who}));
  return Traces{std::move(lock), std::move(journal)};
}

std::vector<run::Task> WantedTasks(std::vector<run::Task> tasks, const run::Plan& plan,
                                   const Operation& operation) {
  if (operation.wanted) {
    std::erase_if(tasks, [&](const run::Task& task) {
      return !operation.wanted(plan.steps[static_cast<size_t>(task.step)]);
    });
  }
  return tasks;
}

}  // namespace

Status Operate(const Console& console, const Options& options, Site site, Operation operation) {
  const run::Plan& plan = site.tree.plan;
  auto selection = SelectionOf(options, plan, operation.kind);
  if (!selection) return console.Complain(selection.error().message, selection.error().status);
  selection->keep_going |= operation.all;
  auto selected = run::SelectTasks(plan, site.expected, *selection);
  if (!selected) return console.Complain(selected.error().message, Status::kUsage);
  const std::vector<run::Task> tasks = WantedTasks(std::move(*selected), plan, operation);
  if (tasks.empty()) return console.Complain("nothing is selected", Status::kUsage);

  run::Store store(site.tree);
  const bool dry = selection->dry_run;
  const run::Errand errand = {
      .tree = &site.tree,
      .expected = &site.expected,
      .store = &store,
      .agent = std::move(site.agent),
      .ways = site.ways,
      .identity = {.run = NewRunId(), .who = WhoRuns(), .tree = site.tree.id},
      .arguments = operation.arguments,
      .limit = selection->servers,
      .hands = dry ? run::Errand::Hands::kOff : run::Errand::Hands::kOn,
      .ship = operation.ship,
      .again = operation.again,
  };
  std::optional<Traces> traces;
  if (!dry) {
    if (auto proved = ProveCredentials(plan, tasks); !proved) return console.Fail(proved.error());
    auto opened = OpenTraces(site, errand.identity);
    if (!opened) return console.Fail(opened.error());
    traces = std::move(*opened);
    selection->resumed = traces->journal.history().interrupted().has_value();
    if (operation.kind == run::StepKind::kApply) {
      auto kept = run::KeepTree(site.tree, JoinPath(site.state, "trees"));
      if (!kept) return console.Fail(kept.error());
    }
  }

  run::Schedule schedule(plan, site.expected, tasks, *selection);
  run::Board board(plan, schedule.tasks());
  std::optional<run::Validation> validation;
  std::optional<run::Logbook> logbook;
  std::vector<run::Watcher*> watchers = {&board};
  if (operation.reports) watchers.push_back(&validation.emplace(plan, schedule.tasks()));
  if (!dry) watchers.push_back(&logbook.emplace(site.logs, board));
  auto view = MakeView(options, board, operation.verb + " " + plan.topology, dry);
  if (view) watchers.push_back(view.get());
  if (traces && traces->journal.was_torn()) {
    view->Show(
        {.kind = run::EventKind::kTorn,
         .text = "the journal ended in half a line, which was cut off: the last run was killed"});
  }
  auto course = [&] {
    run::Executor executor(errand, schedule, traces ? &traces->journal : nullptr, watchers);
    return executor.Run();
  }();
  view.reset();
  if (!course) return console.Fail(std::move(course).error().Within("the run was stopped"));

  if (logbook && !logbook->trouble().empty()) {
    console.Complain("the logs are not complete: " + logbook->trouble(), Status::kDone);
  }
  bool good = course->finish == run::Finish::kDone;
  if (validation && !dry) {
    const run::ReportHead head = {.topology = plan.topology,
                                  .tree = errand.identity.tree,
                                  .run = errand.identity.run,
                                  .who = errand.identity.who,
                                  .time = run::UtcNow()};
    auto paths = run::WriteReports(plan, validation->findings(), head, site.reports);
    if (!paths) return console.Fail(paths.error());
    good = good && validation->passed();
    console.PrintSummary(run::Findings(plan, validation->findings()));
    for (const std::string& path : *paths) console.PrintSummary(path + "\n");
    if (course->finish != run::Finish::kRunning) return good ? Status::kDone : Status::kFindings;
  }
  if (dry) {
    console.PrintSummary(run::Explain(site.tree, site.expected, *course));
    if (!good) console.PrintSummary(run::Printable(course->reason) + "\n");
  } else {
    console.PrintSummary(run::Summarize(
        board, *course, {.again = CommandLine(options, operation), .logs = site.logs}));
  }
  return good ? Status::kDone : Status::kFindings;
}

}  // namespace kb::cli
