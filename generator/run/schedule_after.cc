// Schedule: is all well again, after a step and at the end of a run?
#include <algorithm>

#include <fmt/core.h>

#include "run/schedule_impl.h"

namespace kb::run {

void Schedule::Impl::JudgeAfter(int task) {
  TaskRow& row = rows_[task];
  if (row.poll.first < 0) {
    if (Due(row.next_after)) StartPoll(row.poll, row.wells, -1);
    return;
  }
  TimeOut(row.poll);
  const Verdict verdict = JudgeWell(row.poll.answers);
  if (verdict == Verdict::kPending) return;
  changed_ = true;
  if (verdict == Verdict::kOpen) {
    for (int service : row.wells) services_[service].dirty = false;
    EmitTask(EventKind::kGateOpen, task, "all is well", Outcome::kOk);
    return Release(task);
  }
  const std::string why = Objections(plan_, row.poll.answers, -1);
  const bool gone = AnyGone(row.poll);
  row.poll = {};
  row.next_after = now_ + limits().look;
  if (!gone && now_ < row.after_since + limits().gate_timeout) {
    if (row.said != why) EmitTask(EventKind::kWaiting, task, why);
    row.said = why;
    return;
  }
  for (int service : row.wells) services_[service].broken = true;
  steps_[tasks_[task].step].failed = true;
  EmitTask(EventKind::kGateClosed, task, why, Outcome::kFailed);
  Release(task);
  Fail(fmt::format("not all is well after {} on {}: {}", StepOf(task).name,
                   NameOf(tasks_[task].server), why));
}

bool Schedule::Impl::CloseRun() {
  if (selection_.dry_run || !apply() || faults().skip_after) return true;
  if (closing_since_ < 0) {
    for (size_t i = 0; i < services_.size(); ++i) {
      const bool gated = !plan_.services[i].gate.empty();
      if (gated && services_[i].dirty && Installed(static_cast<int>(i))) {
        closing_services_.push_back(static_cast<int>(i));
      }
    }
    closing_since_ = now_;
    next_closing_ = now_;
  }
  if (closing_services_.empty()) return true;
  if (closing_.first < 0) {
    if (Due(next_closing_)) StartPoll(closing_, closing_services_, -1);
    return false;
  }
  TimeOut(closing_);
  const Verdict verdict = JudgeWell(closing_.answers);
  if (verdict == Verdict::kPending) return false;
  if (verdict == Verdict::kOpen) return true;
  const std::string why = Objections(plan_, closing_.answers, -1);
  const bool gone = AnyGone(closing_);
  closing_ = {};
  next_closing_ = now_ + limits().look;
  changed_ = true;
  if (!gone && now_ < closing_since_ + limits().gate_timeout) return false;
  Fail(fmt::format("all steps are done, but not all is well: {}", why));
  return true;
}

}  // namespace kb::run
