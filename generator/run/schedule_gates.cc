// Schedule: rolling steps, and the questions before and after them.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "base/strings.h"
#include "run/schedule_impl.h"

namespace kb::run {

bool Poll::pending() const { return std::ranges::any_of(answers, &Answer::open); }

// The services that must not lose another member while this task is at work: its own, those that
// are built on it, and the others of its server. Of these others a step should stop nothing; asking
// them is caution, which must not keep two services from being installed at the same time, each
// waiting for members of the other one.
std::vector<int> Schedule::Impl::HoldsOf(int task) const {
  const int own = StepOf(task).service;
  std::vector<int> holds{own};
  for (int service : plan_.servers[tasks_[task].server].services) {
    if (service == own || plan_.services[service].gate.empty()) continue;
    if (services_[service].built_on[own] || Installed(service)) holds.push_back(service);
  }
  return holds;
}

bool Schedule::Impl::CanHold(const std::vector<int>& services) const {
  return std::ranges::all_of(services, [&](int service) {
    return services_[service].held_by < 0 && !services_[service].broken;
  });
}

void Schedule::Impl::Release(int task) {
  TaskRow& row = rows_[task];
  for (int service : row.holds) {
    if (services_[service].held_by == task) services_[service].held_by = -1;
  }
  row.after = false;
  row.poll = {};
  std::erase(in_flight_, task);
  changed_ = true;
  if (row.state == TaskState::kWaiting) return;  // its gate was closed: nothing came of it
  // Those that waited for it begin to count anew.
  for (int step : order_) {
    for (int other : steps_[step].tasks) {
      if (rows_[other].waiting_since >= 0) rows_[other].waiting_since = now_;
    }
  }
}

// Whether every apply step of the service has ended well on every server that it runs on. Before,
// "is all well?" cannot be answered by yes. Of servers that are not met it is taken for granted:
// asking them will show.
bool Schedule::Impl::Installed(int service) const {
  return std::ranges::all_of(plan_.services[service].members,
                             [&](int member) { return InstalledOn(service, member); });
}

bool Schedule::Impl::InstalledOn(int service, int server) const {
  const ServerRow& row = servers_[server];
  if (!row.met) return true;
  return std::ranges::all_of(plan_.services[service].steps, [&](int step) {
    const Step& of = plan_.steps[step];
    if (of.kind != StepKind::kApply || of.on_install || row.receipts[step]) return true;
    return std::ranges::find(of.servers, server) == of.servers.end();
  });
}

// Whether everybody who will be asked has what it takes to answer, or will never have it.
bool Schedule::Impl::CanAsk(int task) const {
  if (selection_.dry_run || faults().skip_gate) return true;
  for (int service : HoldsOf(task)) {
    if (plan_.services[service].gate.empty()) continue;
    for (int member : plan_.services[service].members) {
      const ServerRow& row = servers_[member];
      const bool first = row.link == Link::kQueued || row.link == Link::kConnecting;
      if (!row.met && first) return false;
      if (row.work && row.ship != Stage::kDone && row.link == Link::kUp) return false;
    }
  }
  return true;
}

// Members outside of the selection are connected to as soon as it is known that they will be asked.
void Schedule::Impl::WitnessAll() {
  if (selection_.dry_run) return;
  std::vector<bool> asked(services_.size(), false);
  for (size_t i = 0; i < tasks_.size(); ++i) {
    const Step& step = StepOf(static_cast<int>(i));
    const bool open = rows_[i].state == TaskState::kWaiting;
    if (!open && !selection_.resumed) continue;
    if (step.strategy == Strategy::kRolling) {
      for (int service : HoldsOf(static_cast<int>(i))) asked[service] = true;
    } else if (apply()) {
      asked[step.service] = true;
    }
    if (selection_.resumed && apply()) services_[step.service].dirty = true;
  }
  for (size_t i = 0; i < services_.size(); ++i) {
    if (!asked[i] || plan_.services[i].gate.empty()) continue;
    for (int member : plan_.services[i].members) Want(member);
  }
}

void Schedule::Impl::StartPoll(Poll& poll, const std::vector<int>& services, int subject) {
  poll = {.first = next_ask_, .deadline = now_ + limits().answer_limit};
  for (int service : services) {
    if (plan_.services[service].gate.empty()) continue;
    for (int member : plan_.services[service].members) {
      if (faults().ask_one_member && subject >= 0 && member != subject) continue;
      const ServerRow& row = servers_[member];
      Answer answer{.service = service, .server = member};
      const int id = next_ask_++;
      if (row.link == Link::kUp && Quiet(row)) {
        if (row.generation.empty()) {
          answer.open = false;
          answer.status = kDoesNotRun;
          answer.text = "was never installed";
        } else {
          Do(Ask{
              .id = id, .server = member, .service = service, .subject = subject, .leads = false});
        }
      } else {
        answer.open = false;
        answer.status = faults().unreachable_is_fine ? 0 : kNoAnswer;
        answer.text = row.link == Link::kUp ? "a step of an earlier run still runs there"
                                            : "cannot be reached";
      }
      poll.answers.push_back(std::move(answer));
    }
  }
  changed_ = true;
}

bool Schedule::Impl::AnswerPoll(Poll& poll, const Answered& answered) {
  if (poll.first < 0 || answered.id < poll.first) return false;
  const auto at = static_cast<size_t>(answered.id - poll.first);
  if (at >= poll.answers.size() || !poll.answers[at].open) return false;
  Answer& answer = poll.answers[at];
  answer.open = false;
  answer.status = answered.status;
  if (faults().unreachable_is_fine && answer.status == kNoAnswer) answer.status = 0;
  answer.text = answered.text;
  changed_ = true;
  return true;
}

void Schedule::Impl::On(const Answered& answered) {
  for (int task : in_flight_) {
    if (AnswerPoll(rows_[task].poll, answered)) return;
  }
  for (int step : order_) {
    if (AnswerPoll(steps_[step].poll, answered)) return;
  }
  AnswerPoll(closing_, answered);
}

void Schedule::Impl::LoseServer(Poll& poll, int server, std::string_view reason) {
  for (Answer& answer : poll.answers) {
    if (answer.server != server || !answer.open) continue;
    answer.open = false;
    answer.status = faults().unreachable_is_fine ? 0 : kNoAnswer;
    answer.text = reason;
    changed_ = true;
  }
}

void Schedule::Impl::TimeOut(Poll& poll) {
  if (!poll.pending() || !Due(poll.deadline)) return;
  for (Answer& answer : poll.answers) {
    if (!answer.open) continue;
    answer.open = false;
    answer.status = faults().unreachable_is_fine ? 0 : kNoAnswer;
    answer.text = "no answer in time";
  }
  changed_ = true;
}

// ---- Who goes next --------------------------------------------------------------------------

void Schedule::Impl::AskLeads(int step) {
  StepRow& row = steps_[step];
  row.poll = {.first = next_ask_, .deadline = now_ + limits().answer_limit};
  row.leads_asked.clear();
  for (int task : row.tasks) {
    TaskRow& of = rows_[task];
    const int server = tasks_[task].server;
    if (of.state != TaskState::kWaiting || servers_[server].link != Link::kUp) continue;
    of.leads = of.absent = false;
    for (int service : HoldsOf(task)) {
      if (plan_.services[service].gate.empty()) continue;
      Do(Ask{
          .id = next_ask_++, .server = server, .service = service, .subject = -1, .leads = true});
      row.poll.answers.push_back({.service = service, .server = server});
      row.leads_asked.push_back(task);
    }
  }
  row.leads = StepRow::Leads::kAsking;
  changed_ = true;
}

// Whether it is known which members lead; else it is being asked.
bool Schedule::Impl::LeadsKnown(int step) {
  StepRow& row = steps_[step];
  if (row.leads == StepRow::Leads::kKnown) return true;
  if (selection_.dry_run || faults().skip_gate) return true;
  const auto waits = [&](int task) { return rows_[task].state == TaskState::kWaiting; };
  if (std::ranges::count_if(row.tasks, waits) < 2) return true;  // whatever it is, it is the last
  if (row.leads == StepRow::Leads::kUnknown) AskLeads(step);
  TimeOut(row.poll);
  if (row.poll.pending()) return false;
  for (size_t i = 0; i < row.poll.answers.size(); ++i) {
    const Answer& answer = row.poll.answers[i];
    TaskRow& task = rows_[row.leads_asked[i]];
    // Who does not say is taken for the leader: going last is never wrong.
    task.leads |= answer.status == 0 || answer.status == kNoAnswer;
    task.absent |= answer.status == kDoesNotRun;
  }
  row.leads = StepRow::Leads::kKnown;
  row.poll = {};
  return true;
}

// The best of those whose server and services are free; -1: none.
int Schedule::Impl::Choose(int step, const std::vector<bool>& reserved) {
  int best = -1;
  const auto rank = [&](int task) {
    const TaskRow& row = rows_[task];
    // A member that does not run costs nothing, and the others may be waiting for it.
    const int role = row.absent ? 0 : row.leads ? 2 : 1;
    return std::pair(role, row.rounds);
  };
  for (int task : steps_[step].tasks) {
    TaskRow& row = rows_[task];
    const int server = tasks_[task].server;
    if (row.state != TaskState::kWaiting || !Ready(server)) continue;
    if (servers_[server].task >= 0 || reserved[server] || !CanHold(HoldsOf(task))) continue;
    if (!Due(row.closed_until)) continue;
    if (best < 0 || rank(task) < rank(best)) best = task;
  }
  return best;
}

void Schedule::Impl::StartRolling(int step, const std::vector<bool>& reserved) {
  // A service that did not come back stops whatever would take another member of it.
  for (int task : steps_[step].tasks) {
    if (rows_[task].state != TaskState::kWaiting) continue;
    for (int service : HoldsOf(task)) {
      if (!services_[service].broken) continue;
      rows_[task].state = TaskState::kBlocked;
      steps_[step].failed = true;
      changed_ = true;
      EmitTask(EventKind::kStepBlocked, task,
               fmt::format("{} is not well", plan_.services[service].name));
      break;
    }
  }
  const int first = Choose(step, reserved);
  if (first < 0 || !CanAsk(first) || !LeadsKnown(step)) return;
  const int task = Choose(step, reserved);
  if (task < 0 || !CanAsk(task) || !Fresh(step, tasks_[task].server)) return;
  TaskRow& row = rows_[task];
  row.holds = HoldsOf(task);
  for (int service : row.holds) services_[service].held_by = task;
  steps_[step].leads = StepRow::Leads::kUnknown;
  servers_[tasks_[task].server].task = task;
  in_flight_.push_back(task);
  const bool gated = std::ranges::any_of(
      row.holds, [&](int service) { return !plan_.services[service].gate.empty(); });
  if (!gated || faults().skip_gate) return Start(task);
  EmitTask(EventKind::kGateAsk, task);
  if (selection_.dry_run) return Start(task);
  StartRound(task);
}

// ---- Before -----------------------------------------------------------------------------------

void Schedule::Impl::StartRound(int task) {
  TaskRow& row = rows_[task];
  row.state = TaskState::kAsking;
  row.samples = 0;
  if (row.waiting_since < 0) row.waiting_since = now_;
  StartPoll(row.poll, row.holds, tasks_[task].server);
}

void Schedule::Impl::Judge(int task) {
  TaskRow& row = rows_[task];
  if (row.poll.first < 0) {  // between two samples
    if (Due(row.next_sample)) StartPoll(row.poll, row.holds, tasks_[task].server);
    return;
  }
  TimeOut(row.poll);
  const int server = tasks_[task].server;
  const Verdict verdict = JudgeStop(row.poll.answers, server);
  if (verdict == Verdict::kPending) return;
  if (verdict == Verdict::kClosed) {
    return CloseRound(task, Objections(plan_, row.poll.answers, server));
  }
  // What was said is only true of a server that is still there.
  if (!Ready(server)) return CloseRound(task, "the server was lost");
  changed_ = true;
  row.lost.clear();
  for (const Answer& answer : row.poll.answers) {
    if (answer.server == server && answer.status != kDoesNotRun) row.lost.push_back(answer.service);
  }
  const bool absent = row.lost.empty();
  row.poll = {};
  ++row.samples;
  if (!absent && row.samples < (faults().one_sample ? 1 : limits().samples)) {
    row.next_sample = now_ + limits().sample_gap;
    return;
  }
  EmitTask(EventKind::kGateOpen, task,
           absent ? "it does not run there" : fmt::format("{} samples, all yes", row.samples),
           Outcome::kOk);
  Start(task);
}

bool Schedule::Impl::AnyGone(const Poll& poll) const {
  return std::ranges::any_of(poll.answers, [&](const Answer& answer) {
    return servers_[answer.server].link == Link::kGone;
  });
}

void Schedule::Impl::CloseRound(int task, std::string why) {
  TaskRow& row = rows_[task];
  const bool gone = AnyGone(row.poll);
  const std::vector<Answer> answers = std::move(row.poll.answers);
  const Time since = row.waiting_since;
  const int server = tasks_[task].server;
  row.state = TaskState::kWaiting;
  ++row.rounds;
  row.closed_until = now_ + limits().gate_retry;
  servers_[server].task = -1;
  Release(task);
  row.holds.clear();
  row.waiting_since = since;
  const bool late = now_ >= since + limits().gate_timeout;
  const bool over = gone || late || !FindUnfinished(task, answers, late).empty();
  if (over || row.said != why) EmitTask(EventKind::kGateClosed, task, why, Outcome::kFailed);
  row.said = why;
  if (!over) return;
  row.state = TaskState::kFailed;
  steps_[tasks_[task].step].failed = true;
  if (const auto unfinished = FindUnfinished(task, answers, true); !unfinished.empty()) {
    std::vector<std::string> names;
    for (int first : unfinished) names.push_back(NameOf(first));
    why += fmt::format(". They wait for this step: finish them with --limit {}", Join(names, ","));
    if (finish_first_.empty()) finish_first_ = unfinished;
  }
  Fail(fmt::format("{} on {} was not begun: {}", StepOf(task).name, NameOf(server), why));
}

// The servers of members that do not run and cannot before this very task is done: steps of theirs
// wait for it. For those that were never finished no waiting helps; others may come back by
// themselves, so only those who waited in vain are told of them. A run over these servers alone
// gets on, since it needs what is done there, and not everywhere.
std::vector<int> Schedule::Impl::FindUnfinished(int task, const std::vector<Answer>& answers,
                                                bool late) const {
  std::vector<int> found;
  const int server = tasks_[task].server;
  for (const Answer& answer : answers) {
    const int service = answer.service;
    if (answer.status != kDoesNotRun || answer.server == server) continue;
    const bool own_service = service == StepOf(task).service;
    if (!own_service && !services_[service].built_on[StepOf(task).service]) continue;
    if (!late && (own_service || InstalledOn(service, answer.server))) continue;
    // Had the one that is to be stopped not run, the gate would be open.
    const bool closes = std::ranges::any_of(answers, [&](const Answer& own) {
      return own.service == service && own.server == server && own.status != kDoesNotRun &&
             own.status != kNoAnswer;
    });
    const bool waits = std::ranges::any_of(plan_.services[service].steps, [&](int step) {
      return std::ranges::any_of(steps_[step].tasks, [&](int other) {
        return tasks_[other].server == answer.server && rows_[other].state == TaskState::kWaiting;
      });
    });
    if (closes && waits && std::ranges::find(found, answer.server) == found.end()) {
      found.push_back(answer.server);
    }
  }
  return found;
}

void Schedule::Impl::AskNext() {
  // A copy: judging may take tasks away.
  for (int task : std::vector<int>(in_flight_)) {
    if (stopping_) return;
    if (rows_[task].state == TaskState::kAsking) {
      Judge(task);
    } else if (rows_[task].after) {
      JudgeAfter(task);
    }
  }
}

}  // namespace kb::run
