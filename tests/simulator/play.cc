#include "play.h"

#include <algorithm>
#include <memory>
#include <set>

#include <fmt/core.h>

#include "estate.h"

namespace kb::run::sim {
namespace {

constexpr Time kSecond = 1'000;
constexpr Time kEndless = 12 * 3'600 * kSecond;
constexpr Time kOutageMax = 100 * kSecond;
constexpr int kRunsMax = 40;

// What was true of a member when a gate asked it last.
struct Sample {
  Time at = -1;
  bool runs = false;
  bool in_sync = false;
};

class Story {
 public:
  Story(uint64_t seed, const Rules& rules)
      : dice_(seed),
        rules_(rules),
        plan_(MakePlan(dice_)),
        expected_(MakeExpected(plan_)),
        estate_(dice_, clock_, plan_, expected_, {.naive_gate = rules.naive_gate}),
        lines_(plan_.servers.size()),
        samples_(plan_.services.size() * plan_.servers.size() * plan_.servers.size()),
        wells_(plan_.services.size() * plan_.servers.size()) {}

  Told Tell();

 private:
  // A connection as the runner sees it; a newer epoch makes all that travels on older ones void.
  struct Line {
    int epoch = 0;
    bool up = false;
  };

  // play.cc
  void Disturb();
  void StartRun();
  void EndRun();
  void Deliver(const Report& report);
  void Act(const Decisions& decisions);
  void CheckGangs(const Decisions& decisions);
  void Wake();
  void Cut(int server);  // the connection breaks; the runner hears of it sooner or later
  void Kill();
  bool calm() const { return clock_.now() >= horizon_ + kOutageMax; }

  // What servers do with requests that reached them.
  void Send(int server, std::function<void()> arrive);
  void Reply(int server, int epoch, Report report, Time slow = 0);
  void Do(const Connect& action);
  void Do(const Look& action);
  void Do(const Preflight& action);
  void Do(const Ship& action);
  void Do(const Run& action);
  void Do(const Ask& action);
  void Do(const Close& action) { lines_[action.server].up = false; }
  Hello HelloOf(int server);

  // Scripts.
  void Begin(int task, int server, int epoch);
  void StopMembers(int step, int server);
  void StartMembers(int step, int server);
  void Finish(int task, int server, int epoch, int status);

  // Invariants.
  void Violate(std::string what);
  void JudgeStop(int service, int server);
  void JudgeBegin(int step, int server);
  void JudgeEnd();
  bool Installed(int service);
  bool IsWithin(int inner, int outer) const;
  bool Owes(int service, int server) {
    return std::ranges::find(owed_, std::pair(service, server)) != owed_.end();
  }
  Sample& SampleOf(int service, int member, int subject) {
    const size_t servers = plan_.servers.size();
    return samples_[(static_cast<size_t>(service) * servers + member) * servers + subject];
  }
  Sample& WellOf(int service, int member) {
    return wells_[static_cast<size_t>(service) * plan_.servers.size() + member];
  }
  Sample Now(int service, int server) {
    const Member& member = estate_.member(service, server);
    return {clock_.now(), member.runs(), member.in_sync()};
  }
  template <class... Args>
  void Trace(fmt::format_string<Args...> text, Args&&... args) {
    if (!rules_.trace) return;
    fmt::print(stderr, "{:9.3f} {}\n", static_cast<double>(clock_.now()) / kSecond,
               fmt::format(text, std::forward<Args>(args)...));
  }

  Dice dice_;
  Rules rules_;
  Clock clock_;
  Plan plan_;
  Expected expected_;
  Estate estate_;
  Told told_;

  Time horizon_ = 0;  // after it no accident begins any more
  std::unique_ptr<Schedule> schedule_;
  Selection selection_;
  int run_ = 0;
  int wake_ = 0;
  bool resumed_ = false;
  bool done_ = false;
  std::vector<int> finish_first_;
  bool begun_calm_ = false;    // and whole
  std::vector<char> touched_;  // services
  std::set<int> begun_;        // steps, in this run
  std::vector<Line> lines_;
  std::vector<Sample> samples_;
  std::vector<Sample> wells_;
  std::vector<std::pair<int, int>> stopped_;  // service and server, until the step ends
  std::vector<std::pair<int, int>> owed_;     // that nobody asked about since
};

void Story::Violate(std::string what) {
  if (told_.violation) return;
  Trace("VIOLATION {}", what);
  told_.violation = fmt::format("at {:.1f} s in run {}: {}",
                                static_cast<double>(clock_.now()) / kSecond, run_, what);
}

// ---- Disturbances -----------------------------------------------------------------------------

void Story::Disturb() {
  horizon_ = dice_.In(60, 400) * kSecond;
  const auto server = [this] {
    return static_cast<int>(dice_.In(0, std::ssize(plan_.servers) - 1));
  };
  const auto some = [this](int64_t max) { return dice_.Chance(40) ? 0 : dice_.In(0, max); };
  for (int64_t i = some(4); i > 0; --i) {
    clock_.After(dice_.In(0, horizon_ - 1), [this, at = server()] {
      const std::vector<int>& services = plan_.servers[at].services;
      const int service = services[static_cast<size_t>(dice_.In(0, std::ssize(services) - 1))];
      Trace("{} crashes on {}", plan_.services[service].name, plan_.servers[at].name);
      estate_.Crash(service, at);
    });
  }
  for (int64_t i = some(3); i > 0; --i) {
    clock_.After(dice_.In(0, horizon_ - 1), [this, at = server()] {
      Host& host = estate_.host(at);
      if (!host.reachable || !host.powered) return;
      const bool power = dice_.Chance(40);
      const Time wait = dice_.Chance(30) ? 1 : dice_.In(kSecond, kOutageMax);
      Trace("{} {} for {} ms", plan_.servers[at].name, power ? "has no power" : "is not reached",
            wait);
      host.reachable = false;
      if (power) estate_.PowerOff(at);
      Cut(at);
      clock_.After(wait, [this, at, power] {
        Trace("{} is back", plan_.servers[at].name);
        estate_.host(at).reachable = true;
        if (power) estate_.PowerOn(at);
      });
    });
  }
  for (int64_t i = some(2); i > 0; --i) {
    clock_.After(dice_.In(0, horizon_ - 1), [this] { Kill(); });
  }
  if (dice_.Chance(15)) {
    clock_.After(dice_.In(0, horizon_ - 1), [this] {
      Trace("Ctrl-C");
      if (schedule_) Deliver(Stop{"interrupted"});
    });
  }
}

void Story::Cut(int server) {
  Line& line = lines_[server];
  if (!line.up) return;
  line.up = false;
  const Time heard = dice_.Chance(50) ? dice_.In(0, 100) : dice_.In(1, 20) * kSecond;
  clock_.After(heard, [this, server, run = run_, epoch = line.epoch] {
    if (run == run_ && lines_[server].epoch == epoch) Deliver(Lost{server, "connection lost"});
  });
}

void Story::Kill() {
  if (!schedule_) return;
  Trace("the runner is killed");
  schedule_.reset();
  resumed_ = true;
  EndRun();
}

// ---- Runs -------------------------------------------------------------------------------------

void Story::StartRun() {
  ++run_;
  ++told_.runs;
  if (told_.runs > kRunsMax) return Violate("too many runs");
  selection_ = {.resumed = resumed_, .faults = rules_.faults};
  selection_.limits.gate_timeout = 200 * kSecond;
  selection_.limits.reach = 120 * kSecond;
  if (!calm()) {
    selection_.keep_going = dice_.Chance(25);
    selection_.dry_run = dice_.Chance(5);
    if (dice_.Chance(15)) selection_.jobs = static_cast<unsigned>(dice_.In(1, 3));
    if (dice_.Chance(10))
      selection_.servers = {static_cast<int>(dice_.In(0, std::ssize(plan_.servers) - 1))};
    if (dice_.Chance(10))
      selection_.services = {static_cast<int>(dice_.In(0, std::ssize(plan_.services) - 1))};
  }
  // What an operator does who reads what he is told.
  if (!finish_first_.empty()) {
    Trace("limited to what must be finished first");
    selection_.servers = std::move(finish_first_);
    selection_.services.clear();
  }
  finish_first_.clear();
  begun_calm_ = calm();
  touched_.assign(plan_.services.size(), false);
  begun_.clear();
  wells_.assign(wells_.size(), {});
  owed_.clear();
  auto tasks = SelectTasks(plan_, expected_, selection_);
  if (!tasks) {  // nothing of that service is on that server
    Trace("run {}: {}", run_, tasks.error().message);
    return EndRun();
  }
  Trace("run {} begins: {} tasks{}{}{}", run_, tasks->size(), selection_.dry_run ? ", dry" : "",
        selection_.keep_going ? ", keep going" : "", resumed_ ? ", resumed" : "");
  schedule_ = std::make_unique<Schedule>(plan_, expected_, std::move(*tasks), selection_);
  Deliver(Tick{});
}

// The next one comes, unless everything is done and nothing bad can happen any more.
void Story::EndRun() {
  schedule_.reset();
  ++wake_;
  for (Line& line : lines_) line.up = false;
  clock_.After((resumed_ ? dice_.In(1, 30) : dice_.In(30, 200)) * kSecond, [this] {
    if (!done_ && !told_.violation) StartRun();
  });
}

void Story::Deliver(const Report& report) {
  if (!schedule_ || told_.violation) return;
  const Decisions decisions = schedule_->Take(clock_.now(), report);
  if (rules_.trace) {
    for (const Event& event : decisions.events) {
      Trace("  {} {} {} {} {}", Name(event.kind),
            event.server < 0 ? "" : plan_.servers[event.server].name,
            event.step < 0
                ? ""
                : plan_.services[event.service].name + "/" + plan_.steps[event.step].name,
            Name(event.result), event.text);
    }
  }
  Act(decisions);
  if (schedule_->finish() == run::Finish::kRunning) return Wake();
  Trace("run {} ends: {}", run_, schedule_->reason());
  JudgeEnd();
  EndRun();
}

void Story::Act(const Decisions& decisions) {
  CheckGangs(decisions);
  for (const Action& action : decisions.actions) {
    std::visit([this](const auto& what) { Do(what); }, action);
  }
}

// All of a parallel step begins at once.
void Story::CheckGangs(const Decisions& decisions) {
  for (const Action& action : decisions.actions) {
    const auto* begun = std::get_if<Run>(&action);
    if (begun == nullptr) continue;
    const int step = schedule_->tasks()[begun->task].step;
    if (plan_.steps[step].strategy == Strategy::kRolling) continue;
    for (size_t i = 0; i < schedule_->tasks().size(); ++i) {
      if (schedule_->tasks()[i].step != step) continue;
      if (schedule_->state(static_cast<int>(i)) == TaskState::kWaiting)
        Violate("a gang began without a server");
    }
  }
}

void Story::Wake() {
  const std::optional<Time> wake = schedule_->wake();
  ++wake_;
  if (!wake) return;
  if (*wake <= clock_.now()) return Violate("it wants to be woken at once");
  clock_.After(*wake - clock_.now(), [this, at = wake_] {
    if (at == wake_ && schedule_) Deliver(Tick{});
  });
}

// ---- Requests and answers -----------------------------------------------------------------------

void Story::Send(int server, std::function<void()> arrive) {
  clock_.After(dice_.In(1, 60), [this, server, run = run_, epoch = lines_[server].epoch,
                                 arrive = std::move(arrive)] {
    const Line& line = lines_[server];
    if (run == run_ && line.up && line.epoch == epoch && estate_.host(server).reachable) arrive();
  });
}

void Story::Reply(int server, int epoch, Report report, Time slow) {
  clock_.After(slow + dice_.In(1, 60),
               [this, server, run = run_, epoch, report = std::move(report)] {
                 const Line& line = lines_[server];
                 if (run == run_ && line.up && line.epoch == epoch) Deliver(report);
               });
}

Hello Story::HelloOf(int server) {
  const Host& host = estate_.host(server);
  Hello hello{.server = server, .generation = host.generation};
  for (size_t step = 0; step < plan_.steps.size(); ++step) {
    if (host.receipts[step].empty()) continue;
    const Step& row = plan_.steps[step];
    hello.receipts.push_back(
        {plan_.services[row.service].folder, row.name, host.receipts[step], true, {}});
  }
  if (host.script) {
    const Step& row = plan_.steps[host.script->step];
    hello.running.push_back(
        {plan_.services[row.service].folder, row.name, std::to_string(host.script->run)});
  }
  return hello;
}

void Story::Do(const Connect& action) {
  const int server = action.server;
  Line& line = lines_[server];
  line.up = false;
  const int epoch = ++line.epoch;
  clock_.After(dice_.In(10, 300), [this, server, epoch, run = run_] {
    Line& now = lines_[server];
    if (run != run_ || now.epoch != epoch) return;
    if (!estate_.host(server).reachable) {
      clock_.After(dice_.In(10, 8'000), [this, server, epoch, run] {
        if (run == run_ && lines_[server].epoch == epoch) Deliver(Lost{server, "no route"});
      });
      return;
    }
    now.up = true;
    Reply(server, epoch, HelloOf(server));
  });
}

void Story::Do(const Look& action) {
  const int server = action.server;
  Send(server,
       [this, server, epoch = lines_[server].epoch] { Reply(server, epoch, HelloOf(server)); });
}

void Story::Do(const Preflight& action) {
  const int server = action.server;
  Send(server, [this, server, epoch = lines_[server].epoch] {
    const bool good = calm() || !dice_.Chance(2);
    Reply(server, epoch, Checked{server, good, good ? "" : "a port is taken"}, dice_.In(0, 1'000));
  });
}

void Story::Do(const Ship& action) {
  const int server = action.server;
  if (selection_.dry_run) return Violate("a dry run ships");
  Send(server, [this, server, epoch = lines_[server].epoch, run = run_] {
    clock_.After(dice_.In(10, 3'000), [this, server, epoch, run] {
      const Line& line = lines_[server];
      if (run != run_ || !line.up || line.epoch != epoch) return;  // half of it leaves nothing
      Host& host = estate_.host(server);
      if (host.script) return Violate("files are changed under a running step");
      host.generation = GenerationName(expected_.generations[server]);
      Reply(server, epoch, Delivered{server, true, ""});
    });
  });
}

void Story::Do(const Run& action) {
  const Task& task = schedule_->tasks()[action.task];
  if (selection_.dry_run) return Violate("a dry run runs a step");
  touched_[plan_.steps[task.step].service] = true;
  Send(task.server, [this, at = action.task, server = task.server,
                     epoch = lines_[task.server].epoch] { Begin(at, server, epoch); });
}

void Story::Do(const Ask& action) {
  Send(action.server, [this, action, epoch = lines_[action.server].epoch] {
    int status = 0;
    if (action.leads) {
      status = estate_.Leads(action.service, action.server);
    } else {
      status = estate_.Gate(action.service, action.server, action.subject);
      Sample& sample = action.subject >= 0 ? SampleOf(action.service, action.server, action.subject)
                                           : WellOf(action.service, action.server);
      sample = Now(action.service, action.server);
      if (action.subject < 0) std::erase(owed_, std::pair(action.service, action.server));
    }
    Trace("    {} of {} about {}: {}", plan_.servers[action.server].name,
          plan_.services[action.service].name, action.subject, status);
    if (!calm() && dice_.Chance(1)) return;  // never
    const bool slow = !calm() && dice_.Chance(3);
    Reply(action.server, epoch, Answered{action.id, status, ""},
          slow ? dice_.In(5'000, 15'000) : dice_.In(0, 200));
  });
}

// ---- Scripts ------------------------------------------------------------------------------------

// They go on when the connection is lost; only a loss of power ends them.
void Story::Begin(int task, int server, int epoch) {
  Host& host = estate_.host(server);
  const int step = schedule_->tasks()[task].step;
  JudgeBegin(step, server);
  host.script = Script{step, run_};
  std::erase_if(stopped_, [&](const auto& stopped) { return stopped.second == server; });
  const int version = ++host.version;
  ++told_.tasks;
  const auto later = [this, server, version](Time wait, std::function<void()> what) {
    clock_.After(wait, [this, server, version, what = std::move(what)] {
      if (estate_.host(server).version == version) what();
    });
  };
  const bool fails = !calm() && dice_.Chance(3);
  const bool early = dice_.Chance(50);
  const Time before = dice_.In(50, 4'000);
  const Time down = before + dice_.In(200, 4'000);
  const Time end = down + dice_.In(50, 2'000);
  if (fails && early) return later(before, [=, this] { Finish(task, server, epoch, 1); });
  later(before, [=, this] { StopMembers(step, server); });
  if (fails) return later(down, [=, this] { Finish(task, server, epoch, 1); });
  later(down, [=, this] { StartMembers(step, server); });
  later(end, [=, this] { Finish(task, server, epoch, 0); });
}

void Story::StopMembers(int step, int server) {
  const Step& row = plan_.steps[step];
  if (row.strategy != Strategy::kRolling) return;
  for (int service : plan_.servers[server].services) {
    if (service != row.service && row.service != 0) continue;
    if (!estate_.member(service, server).runs()) continue;
    JudgeStop(service, server);
    Trace("    {} is stopped on {}", plan_.services[service].name, plan_.servers[server].name);
    estate_.Stop(service, server);
    estate_.member(service, server).by_runner = true;
    ++told_.stops;
  }
}

void Story::StartMembers(int step, int server) {
  const Step& row = plan_.steps[step];
  if (row.on_install) return;
  const bool rolling = row.strategy == Strategy::kRolling;
  const bool installs = row.service != 0 && plan_.services[row.service].steps[0] == step;
  for (int service : plan_.servers[server].services) {
    Member& member = estate_.member(service, server);
    if (service == 0 || member.runs()) continue;
    const bool own = service == row.service;
    const bool down = member.state == Member::State::kDown;
    if ((own && installs) || (down && rolling && (own || row.service == 0)))
      estate_.Start(service, server);
  }
}

void Story::Finish(int task, int server, int epoch, int status) {
  Host& host = estate_.host(server);
  const Script script = *host.script;
  host.script.reset();
  if (status == 0) host.receipts[script.step] = estate_.input(script.step, server);
  // The run that stopped a member of an installed service asks about it before it stops another.
  for (const auto& [service, at] : stopped_) {
    const bool asks = at == server && status == 0 && script.run == run_ && Installed(service);
    if (asks) owed_.emplace_back(service, server);
  }
  std::erase_if(stopped_, [&](const auto& stopped) { return stopped.second == server; });
  // A failure in the middle leaves members down. With --keep-going several may be; that must not
  // lock the services of a server against each other for ever.
  if (status != 0 && selection_.keep_going) {
    estate_.PowerOff(server);
    estate_.PowerOn(server);
  }
  if (script.run == run_) Reply(server, epoch, Ended{task, status, ""});
}

// ---- Invariants
// -----------------------------------------------------------------------------------

// The runner's hand is about to stop a member. Judged by what was true when it was asked last, the
// others still have what the service needs.
void Story::JudgeStop(int service, int server) {
  const Service& of = plan_.services[service];
  if (of.gate.empty()) return;
  // Answers from long ago were for another attempt; who was not asked is judged by how it is now.
  constexpr Time kFresh = 60 * kSecond;
  const auto known = [&](int member) {
    const Sample& sample = SampleOf(service, member, server);
    return sample.at >= 0 && sample.at + kFresh > clock_.now() ? sample : Now(service, member);
  };
  if (!known(server).runs) return;  // it was down: nothing is lost
  stopped_.push_back({service, server});
  int in_sync = 0;
  for (int member : of.members) {
    if (member == server) continue;
    if (Owes(service, member)) {
      Violate(fmt::format("{} is stopped on {}, and nobody asked about {}", of.name,
                          plan_.servers[server].name, plan_.servers[member].name));
    }
    if (known(member).in_sync) ++in_sync;
    if (estate_.member(service, member).by_runner) {
      Violate(fmt::format("{} is stopped on {} while {} is down by the runner", of.name,
                          plan_.servers[server].name, plan_.servers[member].name));
    }
  }
  if (in_sync < static_cast<int>(of.members.size()) - of.survives) {
    Violate(fmt::format("{} is stopped on {} with {} others in sync", of.name,
                        plan_.servers[server].name, in_sync));
  }
}

void Story::JudgeBegin(int step, int server) {
  const Step& row = plan_.steps[step];
  const Host& host = estate_.host(server);
  const auto says = [&](std::string_view what) {
    Violate(fmt::format("{}/{} on {}: {}", plan_.services[row.service].name, row.name,
                        plan_.servers[server].name, what));
  };
  if (host.script) says("another step runs there");
  // On the install host it runs for the members, and again when one of them began anew.
  const bool anew = row.on_install && std::ranges::any_of(row.after, [&](int other) {
                      return begun_.contains(other);
                    });
  if (estate_.counts(step, server) && !anew) says("its receipt counts, yet it runs again");
  begun_.insert(step);
  if (!row.on_install && host.generation != GenerationName(expected_.generations[server])) {
    says("its files were not shipped");
  }
  const auto chosen = [](const std::vector<int>& list, int index) {
    return list.empty() || std::ranges::find(list, index) != list.end();
  };
  if (!chosen(selection_.servers, server) || !chosen(selection_.services, row.service)) {
    says("it was not selected");
  }
  std::vector<int> before = row.after;
  for (int service : plan_.services[row.service].needs) {
    before.insert(before.end(), plan_.services[service].steps.begin(),
                  plan_.services[service].steps.end());
  }
  for (int other : before) {
    const Step& needed = plan_.steps[other];
    for (int at : needed.servers) {
      const bool in_run =
          chosen(selection_.servers, at) && chosen(selection_.services, needed.service);
      if (in_run && !estate_.counts(other, at)) says("what it needs was not done");
      // The service of the hosts themselves is needed there, another one as a whole.
      const bool whole = needed.service != row.service && !IsWithin(row.service, needed.service);
      const bool here = at == server || whole;
      if (!in_run && here && estate_.host(at).receipts[other].empty())
        says("what it needs is not there");
    }
  }
}

// Whether one service is only where another one is.
bool Story::IsWithin(int inner, int outer) const {
  const std::vector<int>& there = plan_.services[outer].members;
  return std::ranges::all_of(plan_.services[inner].members, [&](int member) {
    return std::ranges::find(there, member) != there.end();
  });
}

bool Story::Installed(int service) {
  return std::ranges::all_of(plan_.services[service].steps, [&](int step) {
    return std::ranges::all_of(plan_.steps[step].servers, [&](int server) {
      return plan_.steps[step].on_install || !estate_.host(server).receipts[step].empty();
    });
  });
}

void Story::JudgeEnd() {
  const run::Finish finish = schedule_->finish();
  if (finish != run::Finish::kDone) {
    if (schedule_->reason().empty()) Violate("it ended without a reason");
    finish_first_ = schedule_->finish_first();
    if (begun_calm_ && finish_first_.empty())
      Violate(fmt::format("nothing disturbs it, yet: {}", schedule_->reason()));
    resumed_ = true;
    return;
  }
  if (selection_.dry_run) return;
  for (const Task& task : schedule_->tasks()) {
    if (!estate_.counts(task.step, task.server))
      Violate("it says done, but a receipt does not count");
  }
  // Whatever it touched was well at some moment after that.
  for (size_t service = 0; service < touched_.size(); ++service) {
    const Service& of = plan_.services[service];
    if (!touched_[service] || of.gate.empty()) continue;
    if (!Installed(static_cast<int>(service))) continue;
    for (int member : of.members) {
      if (WellOf(static_cast<int>(service), member).at < 0)
        Violate("it says done without having asked");
    }
  }
  resumed_ = false;
  const bool whole = selection_.servers.empty() && selection_.services.empty();
  if (!calm() || !whole) return;
  done_ = true;
}

Told Story::Tell() {
  Disturb();
  clock_.After(0, [this] { StartRun(); });
  while (!done_ && !told_.violation && clock_.Step()) {
    if (clock_.now() > kEndless) Violate("it never ends");
  }
  if (told_.violation) return told_;
  if (!done_) Violate("it waits for nothing");
  // The same as without any accident: every receipt counts, every member is back.
  while (!estate_.AllWell() && clock_.Step()) {
  }
  if (!estate_.AllWell()) Violate("a member is not back");
  for (size_t step = 0; step < plan_.steps.size(); ++step) {
    for (int server : plan_.steps[step].servers) {
      if (!estate_.counts(static_cast<int>(step), server)) Violate("a step is not done");
    }
  }
  return told_;
}

}  // namespace

Told Play(uint64_t seed, const Rules& rules) { return Story(seed, rules).Tell(); }

}  // namespace kb::run::sim
