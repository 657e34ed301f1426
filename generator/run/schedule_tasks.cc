// Schedule: which tasks begin, and what follows from how they end.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "run/schedule_impl.h"

namespace kb::run {
namespace {

// Done to a service on purpose, and not harmless: one step at a time in the whole estate.
bool IsAlone(StepKind kind) {
  return kind != StepKind::kApply && kind != StepKind::kValidate && kind != StepKind::kGate &&
         kind != StepKind::kBackup;
}

}  // namespace

bool Schedule::Impl::StepsDone(int step) const {
  const StepRow& row = steps_[step];
  const auto done = [&](int other) { return steps_[other].open == 0; };
  if (!std::ranges::all_of(row.after, done) || !std::ranges::all_of(row.needs, done)) return false;
  // What another service needs must be well again, not only restarted.
  return std::ranges::none_of(in_flight_, [&](int task) {
    return rows_[task].after && std::ranges::find(row.needs, tasks_[task].step) != row.needs.end();
  });
}

// "base-os/02_os_01_packages on db-01": something that the task needs, is not part of this run, and
// of which no server says that it ever ended well. Empty: nothing.
std::string Schedule::Impl::MissingOutside(int task) const {
  for (const Outside& needed : steps_[tasks_[task].step].outside) {
    const ServerRow& row = servers_[needed.server];
    if (!needed.whole && needed.server != tasks_[task].server) continue;
    if (row.met && row.receipts[needed.step]) continue;
    const Step& step = plan_.steps[needed.step];
    return fmt::format("{}/{} on {}", plan_.services[step.service].name, step.name,
                       NameOf(needed.server));
  }
  return {};
}

void Schedule::Impl::BlockMissing() {
  for (size_t i = 0; i < tasks_.size(); ++i) {
    if (rows_[i].state != TaskState::kWaiting) continue;
    const int task = static_cast<int>(i);
    const std::string missing = MissingOutside(task);
    if (missing.empty()) continue;
    rows_[i].state = TaskState::kBlocked;
    steps_[tasks_[i].step].failed = true;
    const std::string why =
        fmt::format("it needs {}, which was not done before and is not selected", missing);
    EmitTask(EventKind::kStepBlocked, task, why);
    Fail(fmt::format("{} on {}: {}", StepOf(task).name, NameOf(tasks_[i].server), why));
  }
}

// Whether what it waits for will never come.
bool Schedule::Impl::IsBlocked(int step) const {
  const StepRow& row = steps_[step];
  const auto dead = [&](int other) { return steps_[other].failed || steps_[other].blocked; };
  // A step that goes server by server stops where it failed.
  const bool stuck = row.failed && plan_.steps[step].strategy == Strategy::kRolling;
  return row.blocked || stuck || std::ranges::any_of(row.after, dead) ||
         std::ranges::any_of(row.needs, dead);
}

void Schedule::Impl::BlockAll() {
  for (int step : order_) {
    StepRow& row = steps_[step];
    if (row.open == 0) continue;
    row.blocked = IsBlocked(step);
    for (int task : row.tasks) {
      if (rows_[task].state != TaskState::kWaiting) continue;
      std::string why;
      if (row.blocked) why = "what it needs was not done";
      if (servers_[tasks_[task].server].link == Link::kGone) why = "its server was given up";
      if (why.empty()) continue;
      rows_[task].state = TaskState::kBlocked;
      changed_ = true;
      EmitTask(EventKind::kStepBlocked, task, std::move(why));
    }
  }
}

bool Schedule::Impl::Fresh(int step, int server) {
  if (!plan_.steps[step].fresh_connection) return true;
  int64_t done = 0;
  for (int other : steps_[step].after) done = std::max(done, steps_[other].done_seq);
  for (int other : steps_[step].needs) done = std::max(done, steps_[other].done_seq);
  ServerRow& row = servers_[server];
  if (row.connect_seq > done || selection_.dry_run) return true;
  row.link = Link::kQueued;
  row.retry_at = now_;
  row.trying_since = now_;
  changed_ = true;
  return false;
}

void Schedule::Impl::StartAll() {
  std::vector<bool> reserved(servers_.size(), false);
  int alone = -1;
  if (IsAlone(selection_.kind)) {
    for (int task : in_flight_) alone = tasks_[task].step;
  }
  for (int step : order_) {
    if (stopping_) return;
    const StepRow& row = steps_[step];
    if (row.open == 0 || row.blocked || (alone >= 0 && alone != step) || !StepsDone(step)) continue;
    if (plan_.steps[step].strategy == Strategy::kRolling) {
      StartRolling(step, reserved);
    } else {
      StartParallel(step, reserved);
    }
    if (IsAlone(selection_.kind) && !in_flight_.empty()) alone = tasks_[in_flight_.back()].step;
  }
}

void Schedule::Impl::StartParallel(int step, std::vector<bool>& reserved) {
  bool all = true;
  bool any = false;
  for (int task : steps_[step].tasks) {
    if (rows_[task].state != TaskState::kWaiting) continue;
    const int server = tasks_[task].server;
    any = true;
    all &= Ready(server) && servers_[server].task < 0 && !reserved[server];
  }
  if (!any) return;
  if (all) {
    // All of them ask for their new connections before any of them begins.
    for (int task : steps_[step].tasks) {
      if (rows_[task].state == TaskState::kWaiting) all &= Fresh(step, tasks_[task].server);
    }
  }
  for (int task : steps_[step].tasks) {
    if (rows_[task].state != TaskState::kWaiting) continue;
    // Steps behind this one must not take its servers, or it would never have all at once.
    reserved[tasks_[task].server] = true;
    if (all) Start(task);
  }
}

void Schedule::Impl::Start(int task) {
  TaskRow& row = rows_[task];
  const int server = tasks_[task].server;
  row.state = TaskState::kRunning;
  row.begun = now_;
  servers_[server].task = task;
  changed_ = true;
  const Step& step = StepOf(task);
  if (!plan_.services[step.service].gate.empty()) services_[step.service].dirty = true;
  for (int service : row.holds) {
    if (!plan_.services[service].gate.empty()) services_[service].dirty = true;
  }
  if (std::ranges::find(in_flight_, task) == in_flight_.end()) in_flight_.push_back(task);
  EmitTask(EventKind::kStepBegin, task);
  if (selection_.dry_run) return Finished(task, 0, /*lost=*/false, {});
  Do(Run{task});
}

void Schedule::Impl::On(const Ended& ended) {
  const TaskRow& row = rows_[ended.task];
  if (row.state != TaskState::kRunning || row.unsure) return;
  Finished(ended.task, ended.status, /*lost=*/false, ended.text);
}

void Schedule::Impl::Finished(int task, int status, bool lost, std::string text) {
  TaskRow& row = rows_[task];
  const int at = tasks_[task].step;
  const int server = tasks_[task].server;
  StepRow& step = steps_[at];
  changed_ = true;
  row.unsure = false;
  servers_[server].task = -1;
  const bool ok = status == 0 && !lost;
  row.state = ok ? TaskState::kDone : TaskState::kFailed;
  step.done_seq = ++seq_;
  const Outcome outcome = ok ? Outcome::kOk : lost ? Outcome::kLost : Outcome::kFailed;
  if (!selection_.dry_run) {
    EmitTask(EventKind::kStepEnd, task, text, outcome);
    out_.events.back().status = lost ? 0 : status;
    out_.events.back().took = now_ - row.begun;
  }
  if (!ok) {
    step.failed = true;
    Release(task);
    return Fail(fmt::format("{} on {} {}{}{}", StepOf(task).name, NameOf(server),
                            lost ? "was lost" : fmt::format("ended with status {}", status),
                            text.empty() ? "" : ": ", text));
  }
  --step.open;
  if (apply()) servers_[server].receipts[at] = true;
  const bool asks = !selection_.dry_run && !faults().skip_after;
  // Where the member did not run, the step took nothing away, and others may be down as well,
  // waiting for this very step: then the next question before a stop has to do.
  for (int service : row.lost) {
    if (asks && Installed(service)) row.wells.push_back(service);
  }
  if (row.wells.empty()) return Release(task);
  row.after = true;
  row.after_since = now_;
  row.next_after = now_;
  row.poll = {};
}

// What became of a task whose connection was lost.
void Schedule::Impl::ResolveUnsure(int task, const Hello& hello) {
  const Step& step = StepOf(task);
  const std::string& folder = plan_.services[step.service].folder;
  const bool runs = std::ranges::any_of(hello.running, [&](const Running& running) {
    return running.step == step.name && running.folder == folder;
  });
  if (runs) return;  // looked at again
  const Receipt* receipt = FindReceipt(hello.receipts, folder, step.name);
  const bool done = apply() && receipt != nullptr && Counts(*receipt, tasks_[task].input);
  Finished(task, done ? 0 : kNoAnswer, /*lost=*/!done,
           done ? "" : "the connection was lost, and nothing says that it ended well");
}

}  // namespace kb::run
