#include "run/executor.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include <fmt/core.h>

namespace kb::run {
namespace {

// How long servers may take to let go at the end. What they still have to do they do alone.
constexpr Time kGoodbye = 5000;

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};
template <class... Fs>
Overloaded(Fs...) -> Overloaded<Fs...>;

}  // namespace

Time Now() {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<Time>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

Executor::Executor(const Errand& errand, Schedule& schedule, Journal* journal,
                   std::vector<Watcher*> watchers)
    : errand_(errand),
      schedule_(schedule),
      journal_(journal),
      watchers_(std::move(watchers)),
      links_(errand.plan().servers.size()) {}

Result<Course> Executor::Run() {
  Feed(Tick{});
  while (schedule_.finish() == Finish::kRunning && interrupts_ < 2 && !broken_) {
    ServeOnce(schedule_.wake());
    if (const auto wake = schedule_.wake(); wake && Now() >= *wake) Feed(Tick{});
  }
  if (broken_) return std::unexpected(*broken_);
  if (schedule_.finish() != Finish::kRunning) SayGoodbye();
  return Take();
}

// One report may lead to others before it is done with: a client that cannot even be started.
void Executor::Feed(const Report& report) {
  reports_.push_back(report);
  if (reports_.size() > 1) return;
  for (; !reports_.empty(); reports_.pop_front()) {
    if (const Hello* hello = std::get_if<Hello>(&reports_.front())) {
      hellos_.emplace(hello->server, *hello);
    }
    Decisions decisions = schedule_.Take(Now(), reports_.front());
    for (Event& event : decisions.events) Tell(std::move(event));
    for (const Action& action : decisions.actions) {
      // What cannot be told is not done.
      if (broken_) return;
      Act(action);
    }
  }
}

void Executor::Tell(Event event) {
  if (journal_ && !broken_) {
    auto record = RecordOf(event, errand_.plan(), schedule_.tasks(), errand_.identity, UtcNow());
    if (record) {
      const auto written = journal_->Append(std::move(*record));
      if (!written) broken_ = written.error();
    }
  }
  for (Watcher* watcher : watchers_) watcher->Show(event);
}

void Executor::Act(const Action& action) {
  std::visit(Overloaded{
                 [&](const Connect& act) { LinkTo(act.server).Connect(); },
                 [&](const Look& act) { LinkTo(act.server).Look(); },
                 [&](const Preflight& act) { LinkTo(act.server).Preflight(); },
                 [&](const Ship& act) { LinkTo(act.server).Ship(); },
                 [&](const run::Run& act) {
                   const Task& task = schedule_.tasks()[static_cast<size_t>(act.task)];
                   LinkTo(task.server).Run(act.task);
                 },
                 [&](const Ask& act) { LinkTo(act.server).Ask(act); },
                 [&](const Close& act) { LinkTo(act.server).Close(); },
             },
             action);
}

Link& Executor::LinkTo(int server) {
  std::unique_ptr<Link>& link = links_[static_cast<size_t>(server)];
  if (!link) link = std::make_unique<Link>(errand_, schedule_.tasks(), server);
  return *link;
}

void Executor::HearSignals() {
  while (signals_.Take() != 0) {
    ++interrupts_;
    Feed(Stop{"it was interrupted"});
  }
}

void Executor::ServeOnce(std::optional<Time> until) {
  for (Watcher* watcher : watchers_) {
    const std::optional<Time> again = watcher->Pass(Now());
    if (again) until = std::min(until.value_or(*again), *again);
  }
  watched_.assign(1, {.fd = signals_.fd(), .events = POLLIN, .revents = 0});
  for (const auto& link : links_) {
    if (link) link->Watch(watched_);
  }
  // What a link knew before it asked anybody.
  const bool known =
      std::ranges::any_of(links_, [](const auto& link) { return link && link->has_heard(); });
  if (known) until = 0;
  const Time wait = until ? std::clamp<Time>(*until - Now(), 0, 60'000) : 60'000;
  poll(watched_.data(), watched_.size(), static_cast<int>(wait));
  HearSignals();
  for (const auto& link : links_) {
    if (!link) continue;
    link->Serve(watched_);
    for (Heard& heard : link->TakeHeard()) {
      if (const Report* report = std::get_if<Report>(&heard)) {
        Feed(*report);
      } else {
        Event event = std::get<Event>(std::move(heard));
        event.time = Now();
        Tell(std::move(event));
      }
    }
  }
}

void Executor::SayGoodbye() {
  for (const auto& link : links_) {
    if (link) link->Close();
  }
  const Time deadline = Now() + kGoodbye;
  while (interrupts_ < 2 && Now() < deadline &&
         std::ranges::any_of(links_, [](const auto& link) { return link && !link->idle(); })) {
    ServeOnce(deadline);
  }
}

Course Executor::Take() {
  Course course = {.finish = schedule_.finish(),
                   .reason = std::string(schedule_.reason()),
                   .left_running = {},
                   .tasks = schedule_.tasks(),
                   .states = {},
                   .hellos = std::move(hellos_)};
  for (size_t i = 0; i < course.tasks.size(); ++i) {
    course.states.push_back(schedule_.state(static_cast<int>(i)));
    if (course.states.back() == TaskState::kRunning)
      course.left_running.push_back(static_cast<int>(i));
  }
  return course;
}

}  // namespace kb::run
