// Schedule: connections, what servers say when they are met, files on their way.
#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "run/schedule_impl.h"

namespace kb::run {
namespace {

constexpr Time kFirstRetry = 1'000;
constexpr int kDoublingsMax = 4;  // 16 s between two attempts, at most

}  // namespace

void Schedule::Impl::Want(int server) {
  ServerRow& row = servers_[server];
  if (row.link != Link::kNone) return;
  row.link = Link::kQueued;
  row.trying_since = now_;
  row.retry_at = now_;
  needed_.push_back(server);
  changed_ = true;
}

bool Schedule::Impl::MayUseLine() const {
  if (selection_.jobs == 0) return true;
  unsigned used = 0;
  for (int server : needed_) {
    const ServerRow& row = servers_[server];
    if (row.link == Link::kConnecting || row.ship == Stage::kGoing) ++used;
  }
  return used < selection_.jobs;
}

void Schedule::Impl::ConnectAll() {
  for (int server : needed_) {
    ServerRow& row = servers_[server];
    const bool unsure = row.task >= 0 && rows_[row.task].unsure;
    if (row.link == Link::kUp && !row.looking && !row.running.empty() && (!stopping_ || unsure) &&
        Due(row.look_at)) {
      row.looking = true;
      Do(Look{server});
    }
    if (row.link != Link::kQueued) continue;
    if (stopping_ && !unsure) continue;  // nobody waits for it any more
    if (!Due(row.retry_at) || !MayUseLine()) continue;
    row.link = Link::kConnecting;
    row.connect_seq = ++seq_;
    Emit(EventKind::kConnecting, server);
    Do(Connect{server});
  }
}

void Schedule::Impl::NoteReceipts(const Hello& hello) {
  ServerRow& row = servers_[hello.server];
  row.generation = hello.generation;
  row.running = hello.running;
  for (const Receipt& receipt : hello.receipts) {
    const int step = plan_.FindStep(receipt.folder, receipt.step);
    if (step < 0) continue;
    row.receipts[step] = true;
    row.ended[step] = receipt.ended;
  }
}

bool Schedule::Impl::Quiet(const ServerRow& server) const {
  return server.running.empty() || faults().ignore_earlier;
}

void Schedule::Impl::On(const Hello& hello) {
  ServerRow& row = servers_[hello.server];
  const bool look = row.link == Link::kUp && row.looking;
  if (row.link != Link::kConnecting && !look) return;
  changed_ = true;
  row.link = Link::kUp;
  row.looking = false;
  row.tries = 0;
  NoteReceipts(hello);
  if (!look) {
    Emit(EventKind::kConnected, hello.server,
         hello.generation.empty() ? "nothing was ever shipped"
                                  : fmt::format("generation {}", hello.generation));
  }
  if (!row.running.empty()) {
    row.look_at = now_ + limits().look;
    const Running& step = row.running.front();
    if (!look) {
      Emit(EventKind::kWaiting, hello.server,
           fmt::format("{}/{} of the run {} still runs there", step.folder, step.step, step.run));
    }
  }
  if (row.task >= 0 && rows_[row.task].unsure) ResolveUnsure(row.task, hello);
  if (!row.met && Quiet(row)) {
    row.met = true;
    for (size_t i = 0; i < tasks_.size(); ++i) {
      TaskRow& task = rows_[i];
      if (tasks_[i].server != hello.server || task.state != TaskState::kWaiting) continue;
      const Step& step = StepOf(static_cast<int>(i));
      const Receipt* receipt =
          apply() ? FindReceipt(hello.receipts, plan_.services[step.service].folder, step.name)
                  : nullptr;
      if (receipt == nullptr || !Counts(*receipt, tasks_[i].input) || faults().ignore_receipts) {
        continue;
      }
      task.state = TaskState::kSkipped;
      --steps_[tasks_[i].step].open;
      EmitTask(EventKind::kStepSkipped, static_cast<int>(i), {}, Outcome::kSkipped);
    }
    if (row.selected) Meet(hello.server);
  }
}

// Decides whether anything is to be done there.
void Schedule::Impl::Meet(int server) {
  ServerRow& row = servers_[server];
  bool on_server = false;  // a task that needs what is shipped
  bool open = false;
  for (size_t i = 0; i < tasks_.size(); ++i) {
    if (tasks_[i].server != server) continue;
    on_server |= !StepOf(static_cast<int>(i)).on_install;
    open |= rows_[i].state == TaskState::kWaiting && !StepOf(static_cast<int>(i)).on_install;
  }
  const bool same = row.generation == generations_[server];
  if (!on_server || (same && !open)) {
    row.check = row.ship = Stage::kDone;
    return;
  }
  if (!apply()) {
    // Only apply changes what is there; everything else must find what was reviewed.
    row.check = row.ship = Stage::kDone;
    if (!same) GiveUp(server, "it has another generation than this tree: apply first");
    return;
  }
  row.work = true;
  if (same) row.ship = Stage::kDone;
}

void Schedule::Impl::On(const Lost& lost) {
  ServerRow& row = servers_[lost.server];
  if (row.link != Link::kConnecting && row.link != Link::kUp) return;
  changed_ = true;
  const bool was_up = row.link == Link::kUp;
  row.link = Link::kQueued;
  row.looking = false;
  if (row.check == Stage::kGoing) row.check = Stage::kNone;
  if (row.ship == Stage::kGoing) row.ship = Stage::kNone;
  if (row.task >= 0 && rows_[row.task].state == TaskState::kRunning) rows_[row.task].unsure = true;
  for (int task : in_flight_) LoseServer(rows_[task].poll, lost.server, lost.reason);
  for (int step : order_) LoseServer(steps_[step].poll, lost.server, lost.reason);
  LoseServer(closing_, lost.server, lost.reason);
  if (was_up) {
    row.trying_since = now_;
    row.tries = 0;
  }
  const Time limit = row.met ? limits().reach : limits().first_reach;
  const Time wait = kFirstRetry << std::min(row.tries++, kDoublingsMax);
  if (now_ + wait > row.trying_since + limit) return GiveUp(lost.server, lost.reason);
  row.retry_at = now_ + wait;
  Emit(EventKind::kServerLost, lost.server, lost.reason);
}

void Schedule::Impl::On(const Refused& refused) {
  const ServerRow& row = servers_[refused.server];
  if (row.link == Link::kConnecting) GiveUp(refused.server, refused.reason);
}

void Schedule::Impl::GiveUp(int server, std::string reason) {
  ServerRow& row = servers_[server];
  const bool up = row.link == Link::kUp;
  if (up) Do(Close{server});
  row.link = Link::kGone;
  row.ship = row.ship == Stage::kGoing ? Stage::kNone : row.ship;
  row.check = row.check == Stage::kGoing ? Stage::kNone : row.check;
  changed_ = true;
  Emit(EventKind::kServerFailed, server, reason);
  if (row.task >= 0 && rows_[row.task].state == TaskState::kRunning) {
    Finished(row.task, kNoAnswer, /*lost=*/true, reason);
  }
  // Witnesses only give answers; without them a gate stays closed.
  if (!row.selected) return;
  for (int step : order_) {
    const StepRow& of = steps_[step];
    const bool open = std::ranges::any_of(of.tasks, [&](int task) {
      return tasks_[task].server == server && rows_[task].state == TaskState::kWaiting;
    });
    if (open) steps_[step].failed = true;
  }
  // All that cannot be met are told together, see MeetAll.
  const std::string text = fmt::format("{}: {}", NameOf(server), reason);
  if (met_) return Fail(text);
  failed_ = true;
  reason_ += (reason_.empty() ? "" : "; ") + text;
}

bool Schedule::Impl::Ready(int server) const {
  const ServerRow& row = servers_[server];
  return row.link == Link::kUp && row.met && row.check == Stage::kDone &&
         row.ship == Stage::kDone && Quiet(row) && !row.looking;
}

void Schedule::Impl::Check(int server) {
  ServerRow& row = servers_[server];
  if (row.link == Link::kUp && row.work && row.check == Stage::kNone) {
    row.check = Stage::kGoing;
    Emit(EventKind::kPreflight, server);
    Do(Preflight{server});
  }
}

// What a step on the install host did, it did for the members: where one of them begins anew, after
// a cleanup perhaps, or did so in a run that was cut off since, its receipt says nothing any more.
void Schedule::Impl::ReopenInstallSteps() {
  for (int step : order_) {
    const Step& of = plan_.steps[step];
    if (!of.on_install || of.servers.empty()) continue;
    StepRow& row = steps_[step];
    const std::string& own = servers_[of.servers.front()].ended[step];
    const auto anew = [&](int other) {
      return steps_[other].open > 0 ||
             std::ranges::any_of(plan_.steps[other].servers,
                                 [&](int server) { return servers_[server].ended[other] > own; });
    };
    if (!std::ranges::any_of(of.after, anew)) continue;
    for (int task : row.tasks) {
      if (rows_[task].state != TaskState::kSkipped) continue;
      rows_[task].state = TaskState::kWaiting;
      ++row.open;
    }
  }
}

void Schedule::Impl::MeetAll() {
  bool all = true;
  for (int server : needed_) {
    ServerRow& row = servers_[server];
    if (row.link == Link::kGone) continue;
    if (row.met) Check(server);
    all &= row.met && (!row.selected || row.check == Stage::kDone);
  }
  // Where nothing ever was, files harm nobody: they need not wait for the others.
  ShipAll();
  if (!all) return;
  if (apply()) ReopenInstallSteps();
  met_ = true;
  changed_ = true;
  if (failed_) {
    const std::string reason = std::exchange(reason_, {});
    Fail(reason);
  }
  if (!stopping_) BlockMissing();
  if (!stopping_) WitnessAll();
}

void Schedule::Impl::On(const Checked& checked) {
  ServerRow& row = servers_[checked.server];
  if (row.check != Stage::kGoing || row.link != Link::kUp) return;
  changed_ = true;
  row.check = Stage::kDone;
  Emit(EventKind::kPreflightEnd, checked.server, checked.text,
       checked.ok ? Outcome::kOk : Outcome::kFailed);
  if (!checked.ok) GiveUp(checked.server, checked.text);
}

void Schedule::Impl::ShipAll() {
  for (int server : needed_) {
    ServerRow& row = servers_[server];
    if (met_) Check(server);  // again, when the connection was lost in the middle of it
    if (row.link != Link::kUp || !row.work || row.check != Stage::kDone) continue;
    if (row.ship != Stage::kNone || !Quiet(row)) continue;
    if (!met_ && !row.generation.empty()) continue;
    if (selection_.dry_run) {
      row.ship = Stage::kDone;
      changed_ = true;
      Emit(EventKind::kShip, server, generations_[server]);
      continue;
    }
    if (!MayUseLine()) continue;
    row.ship = Stage::kGoing;
    Emit(EventKind::kShip, server, generations_[server]);
    Do(Ship{server});
  }
}

void Schedule::Impl::On(const Delivered& delivered) {
  ServerRow& row = servers_[delivered.server];
  if (row.ship != Stage::kGoing || row.link != Link::kUp) return;
  changed_ = true;
  row.ship = delivered.ok ? Stage::kDone : Stage::kNone;
  if (delivered.ok) row.generation = generations_[delivered.server];
  Emit(EventKind::kShipEnd, delivered.server, delivered.text,
       delivered.ok ? Outcome::kOk : Outcome::kFailed);
  if (!delivered.ok) GiveUp(delivered.server, delivered.text);
}

void Schedule::Impl::On(const Stop& stop) {
  if (stopping_) return;
  stopping_ = true;
  changed_ = true;
  if (reason_.empty()) reason_ = stop.reason;
  Emit(EventKind::kStopping, -1, stop.reason);
}

}  // namespace kb::run
