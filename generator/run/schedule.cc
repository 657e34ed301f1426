#include "run/schedule.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "run/schedule_impl.h"

namespace kb::run {

Schedule::Schedule(const Plan& plan, const Expected& expected, std::vector<Task> tasks,
                   Selection selection)
    : impl_(std::make_unique<Impl>(plan, expected, std::move(tasks), std::move(selection))) {}
Schedule::~Schedule() = default;
Schedule::Schedule(Schedule&&) noexcept = default;
Schedule& Schedule::operator=(Schedule&&) noexcept = default;

Decisions Schedule::Take(Time now, const Report& report) { return impl_->Take(now, report); }
std::optional<Time> Schedule::wake() const { return impl_->wake(); }
Finish Schedule::finish() const { return impl_->finish(); }
std::string_view Schedule::reason() const { return impl_->reason(); }
const std::vector<int>& Schedule::finish_first() const { return impl_->finish_first(); }
const std::vector<Task>& Schedule::tasks() const { return impl_->tasks(); }
TaskState Schedule::state(int task) const { return impl_->state(task); }

Schedule::Impl::Impl(const Plan& plan, const Expected& expected, std::vector<Task> tasks,
                     Selection selection)
    : plan_(plan),
      generations_(expected.generations),
      tasks_(std::move(tasks)),
      selection_(std::move(selection)),
      rows_(tasks_.size()),
      servers_(plan.servers.size()),
      steps_(plan.steps.size()),
      services_(plan.services.size()) {
  for (std::string& generation : generations_) generation = GenerationName(generation);
  for (ServerRow& server : servers_) {
    server.receipts.resize(plan.steps.size());
    server.ended.resize(plan.steps.size());
  }
  for (size_t i = 0; i < tasks_.size(); ++i) {
    StepRow& step = steps_[tasks_[i].step];
    if (step.tasks.empty()) order_.push_back(tasks_[i].step);
    step.tasks.push_back(static_cast<int>(i));
    ++step.open;
  }
  LinkSteps();
  LinkServices();
}

void Schedule::Impl::LinkServices() {
  const size_t count = services_.size();
  for (ServiceRow& row : services_) row.built_on.resize(count);
  for (size_t i = 0; i < count; ++i) {
    std::vector<int> open = plan_.services[i].needs;
    while (!open.empty()) {
      const int needed = open.back();
      open.pop_back();
      if (services_[i].built_on[needed]) continue;
      services_[i].built_on[needed] = true;
      const std::vector<int>& more = plan_.services[needed].needs;
      open.insert(open.end(), more.begin(), more.end());
    }
  }
}

void Schedule::Impl::LinkSteps() {
  for (int step : order_) {
    StepRow& row = steps_[step];
    const Step& of = plan_.steps[step];
    const auto link = [&](int other, std::vector<int>& linked) {
      if (plan_.steps[other].kind != selection_.kind) return;
      if (!steps_[other].tasks.empty()) linked.push_back(other);
      if (apply() && !faults().ignore_needs) LinkOutside(step, other);
    };
    for (int other : of.after) link(other, row.after);
    // Services are installed one behind the other; what is done with them later is not.
    if (!apply() || faults().ignore_needs) continue;
    for (int service : plan_.services[of.service].needs) {
      for (int other : plan_.services[service].steps) link(other, row.needs);
    }
  }
}

bool Schedule::Impl::HasTask(int step, int server) const {
  return std::ranges::any_of(steps_[step].tasks,
                             [&](int task) { return tasks_[task].server == server; });
}

// A service that is everywhere where this one is (the hosts' own one) is needed on the same server;
// another one as a whole.
void Schedule::Impl::LinkOutside(int step, int other) {
  const int own = plan_.steps[step].service;
  const int service = plan_.steps[other].service;
  const std::vector<int>& there = plan_.services[service].members;
  const bool whole =
      service != own && !std::ranges::all_of(plan_.services[own].members, [&](int member) {
        return std::ranges::find(there, member) != there.end();
      });
  for (int server : plan_.steps[other].servers) {
    if (HasTask(other, server) || (!whole && !HasTask(step, server))) continue;
    steps_[step].outside.push_back({other, server, whole});
    if (whole) servers_[server].asked = true;
  }
}

Decisions Schedule::Impl::Take(Time now, const Report& report) {
  out_ = {};
  if (finish_ != Finish::kRunning) return {};
  now_ = now;
  if (!std::exchange(begun_, true)) Begin();
  std::visit([this](const auto& what) { On(what); }, report);
  Advance();
  return std::move(out_);
}

void Schedule::Impl::Begin() {
  Emit(EventKind::kRunBegin, -1,
       fmt::format("{} tasks of the kind {}{}", tasks_.size(), Name(selection_.kind),
                   selection_.dry_run ? ", dry run" : ""));
  std::vector<int> steps;
  for (int step : order_) steps.push_back(step);
  for (std::string& line : BudgetLines(plan_, steps)) Emit(EventKind::kBudget, -1, std::move(line));
  for (const Task& task : tasks_) {
    servers_[task.server].selected = true;
    Want(task.server);
  }
  for (size_t i = 0; i < servers_.size(); ++i) {
    if (servers_[i].asked) Want(static_cast<int>(i));
  }
}

// Goes on until nothing follows from anything any more.
void Schedule::Impl::Advance() {
  do {
    changed_ = false;
    wake_.reset();
    ConnectAll();
    if (!met_ && !stopping_) MeetAll();
    if (met_ && !stopping_) BlockAll();
    if (met_ && !stopping_) {
      ShipAll();
      StartAll();
      AskNext();
    }
    FinishIfOver();
  } while (changed_ && finish_ == Finish::kRunning);
}

void Schedule::Impl::FinishIfOver() {
  const auto running = [](const TaskRow& row) { return row.state == TaskState::kRunning; };
  if (stopping_) {
    // What was begun is finished: steps, and files on their way.
    if (std::ranges::any_of(rows_, running)) return;
    const auto shipping = [](const ServerRow& row) { return row.ship == Stage::kGoing; };
    if (std::ranges::any_of(servers_, shipping)) return;
    return End(failed_ ? Finish::kFailed : Finish::kInterrupted);
  }
  if (!met_ || !in_flight_.empty()) return;
  const auto open = [](const TaskRow& row) { return row.state == TaskState::kWaiting; };
  if (std::ranges::any_of(rows_, open)) return;
  const auto going = [](const ServerRow& row) { return row.ship == Stage::kGoing; };
  if (std::ranges::any_of(servers_, going)) return;
  if (!failed_ && !CloseRun()) return;
  // Closing may have failed, which stops the run in the next turn of the loop.
  if (!stopping_) End(failed_ ? Finish::kFailed : Finish::kDone);
}

void Schedule::Impl::End(Finish finish) {
  finish_ = finish;
  wake_.reset();
  for (TaskRow& row : rows_) {
    if (row.state == TaskState::kWaiting || row.state == TaskState::kAsking) {
      row.state = TaskState::kBlocked;
    }
  }
  for (int server : needed_) {
    if (servers_[server].link == Link::kUp) Do(Close{server});
  }
  Emit(EventKind::kRunEnd, -1, reason_, finish == Finish::kDone ? Outcome::kOk : Outcome::kFailed);
}

void Schedule::Impl::Fail(std::string reason) {
  failed_ = true;
  changed_ = true;
  if (reason_.empty()) reason_ = reason;
  if (selection_.keep_going || stopping_) return;
  stopping_ = true;
  Emit(EventKind::kStopping, -1, std::move(reason));
}

void Schedule::Impl::Emit(EventKind kind, int server, std::string text, Outcome result) {
  out_.events.push_back(
      {.kind = kind, .time = now_, .server = server, .result = result, .text = std::move(text)});
}

void Schedule::Impl::EmitTask(EventKind kind, int task, std::string text, Outcome result) {
  out_.events.push_back({.kind = kind,
                         .time = now_,
                         .server = tasks_[task].server,
                         .service = StepOf(task).service,
                         .step = tasks_[task].step,
                         .task = task,
                         .result = result,
                         .text = std::move(text)});
}

bool Schedule::Impl::Due(Time time) {
  if (time <= now_) return true;
  wake_ = std::min(wake_.value_or(time), time);
  return false;
}

}  // namespace kb::run
