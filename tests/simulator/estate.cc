#include "estate.h"

#include <algorithm>

#include <fmt/core.h>

namespace kb::run::sim {
namespace {

// Slower than the slowest distance of two samples (a gap and a late answer), so that a member which
// says too early that all is well cannot do so right after one that was true.
constexpr Time kRecoveryMin = 15'000;
constexpr Time kRecoveryMax = 60'000;
// Shorter than the gap between two samples: three of them never fall into it.
constexpr Time kLieMax = 900;

void AddStep(Plan& plan, int service, std::string name, Strategy strategy) {
  Service& of = plan.services[service];
  Step step{.name = std::move(name), .service = service, .strategy = strategy};
  step.script = of.folder + "/" + step.name + ".sh";
  step.servers = of.members;
  if (strategy == Strategy::kFirst) step.servers.resize(1, -1);
  of.steps.push_back(static_cast<int>(plan.steps.size()));
  plan.steps.push_back(std::move(step));
}

void AddService(Plan& plan, std::string name, std::vector<int> members) {
  const int at = static_cast<int>(plan.services.size());
  Service service{.name = name, .module = name, .label = std::to_string(at), .folder = name};
  for (int member : members) plan.servers[member].services.push_back(at);
  service.members = std::move(members);
  plan.services.push_back(std::move(service));
}

}  // namespace

Plan MakePlan(Dice& dice) {
  Plan plan{.topology = "sim", .root = "/opt/sim", .install = 0};
  const int servers = static_cast<int>(dice.In(4, 6));
  std::vector<int> all;
  for (int i = 0; i < servers; ++i) {
    plan.servers.push_back({.name = fmt::format("s{}", i)});
    all.push_back(i);
  }
  AddService(plan, "os", all);
  AddStep(plan, 0, "packages", Strategy::kParallel);
  // Restarts everything that runs on the server.
  if (dice.Chance(40)) {
    AddStep(plan, 0, "engine", Strategy::kRolling);
    plan.steps.back().after = {0};
  }
  if (dice.Chance(20)) plan.steps.back().fresh_connection = true;
  const int services = static_cast<int>(dice.In(1, 3));
  for (int i = 1; i <= services; ++i) {
    dice.Shuffle(all);
    const auto size = std::min<int64_t>(dice.Chance(25) ? 5 : dice.In(3, 4), servers);
    AddService(plan, fmt::format("db{}", i), {all.begin(), all.begin() + size});
    Service& service = plan.services.back();
    service.gate = service.folder + "/gate.sh";
    service.survives = dice.Chance(50) ? static_cast<int>((size - 1) / 2) : 1;
    service.needs = {0};
    if (i > 1 && dice.Chance(50)) service.needs.push_back(static_cast<int>(dice.In(1, i - 1)));
    constexpr Strategy kAny[] = {Strategy::kRolling, Strategy::kParallel, Strategy::kRolling,
                                 Strategy::kFirst};
    const auto steps = dice.In(1, 3);
    for (int64_t k = 0; k < steps; ++k) {
      // The first one installs, everywhere.
      const Strategy strategy = kAny[dice.In(0, k == 0 ? 2 : 3)];
      AddStep(plan, i, fmt::format("step{}", k), strategy);
      Step& step = plan.steps.back();
      if (k > 0 && dice.Chance(80)) step.after.push_back(static_cast<int>(plan.steps.size()) - 2);
      if (dice.Chance(10)) step.fresh_connection = true;
      if (strategy == Strategy::kFirst && dice.Chance(40)) {
        step.on_install = true;
        step.servers = {plan.install};
      }
    }
  }
  return plan;
}

Expected MakeExpected(const Plan& plan) {
  Expected expected;
  for (size_t i = 0; i < plan.servers.size(); ++i) {
    expected.generations.push_back(fmt::format("new{}", i));
  }
  for (size_t i = 0; i < plan.steps.size(); ++i) {
    std::vector<std::string>& inputs = expected.inputs.emplace_back();
    for (int server : plan.steps[i].servers) inputs.push_back(fmt::format("{}-{}", i, server));
  }
  return expected;
}

Estate::Estate(Dice& dice, Clock& clock, const Plan& plan, const Expected& expected, Habits habits)
    : dice_(dice),
      clock_(clock),
      plan_(plan),
      expected_(expected),
      habits_(habits),
      hosts_(plan.servers.size()),
      members_(plan.services.size(), std::vector<Member>(plan.servers.size())) {
  for (Host& host : hosts_) host.receipts.resize(plan.steps.size());
  // Nothing yet, or all installed from an older tree, or the same with a server that was replaced.
  const int past = static_cast<int>(dice_.In(0, 3));
  if (past == 0) return;
  const int replaced = past == 3 ? static_cast<int>(dice_.In(0, std::ssize(hosts_) - 1)) : -1;
  const int changed = static_cast<int>(dice_.In(0, 100));
  for (size_t i = 0; i < hosts_.size(); ++i) {
    if (static_cast<int>(i) != replaced)
      hosts_[i].generation = dice_.Chance(20) ? expected.generations[i] : "old";
  }
  for (size_t step = 0; step < plan.steps.size(); ++step) {
    const bool change = dice_.Chance(changed);
    for (size_t i = 0; i < plan.steps[step].servers.size(); ++i) {
      const int server = plan.steps[step].servers[i];
      if (server == replaced) continue;
      hosts_[server].receipts[step] = change ? "old" : expected.inputs[step][i];
    }
  }
  for (size_t service = 1; service < plan.services.size(); ++service) {
    for (int server : plan.services[service].members) {
      if (server != replaced) members_[service][server].state = Member::State::kInSync;
    }
  }
}

const std::string& Estate::input(int step, int server) const {
  const std::vector<int>& servers = plan_.steps[step].servers;
  const auto at = std::ranges::find(servers, server) - servers.begin();
  return expected_.inputs[step][static_cast<size_t>(at)];
}

int Estate::Gate(int service, int server, int subject) {
  const Member& member = members_[service][server];
  if (!member.runs()) return kDoesNotRun;
  if (habits_.naive_gate) return member.state >= Member::State::kUp ? 0 : 1;
  if (server == subject || member.in_sync() || clock_.now() < member.lies_until) return 0;
  return 1;
}

int Estate::Leads(int service, int server) {
  for (int member : plan_.services[service].members) {
    if (members_[service][member].in_sync()) return member == server ? 0 : 1;
  }
  return 1;
}

void Estate::Start(int service, int server) {
  Member& member = members_[service][server];
  member.state = Member::State::kStarting;
  const int version = ++member.version;
  const Time open = dice_.In(100, 4'000);
  const Time sync = open + dice_.In(200, dice_.Chance(30) ? 30'000 : 3'000);
  const bool lies = dice_.Chance(50);
  clock_.After(open, [this, &member, version, lies] {
    if (member.version != version) return;
    member.state = Member::State::kUp;
    if (lies) member.lies_until = clock_.now() + dice_.In(100, kLieMax);
  });
  clock_.After(sync, [&member, version] {
    if (member.version != version) return;
    member.state = Member::State::kInSync;
    member.by_runner = false;
  });
}

void Estate::Stop(int service, int server) {
  Member& member = members_[service][server];
  if (member.state == Member::State::kAbsent) return;
  ++member.version;
  member.lies_until = 0;
  member.state = Member::State::kDown;
}

void Estate::Crash(int service, int server) {
  if (!members_[service][server].runs()) return;
  Stop(service, server);
  Member& member = members_[service][server];
  clock_.After(dice_.In(kRecoveryMin, kRecoveryMax),
               [this, &member, version = member.version, service, server] {
                 if (member.version == version && hosts_[server].powered) Start(service, server);
               });
}

void Estate::PowerOff(int server) {
  Host& host = hosts_[server];
  host.powered = false;
  host.script.reset();
  ++host.version;
  for (int service : plan_.servers[server].services) Stop(service, server);
}

void Estate::PowerOn(int server) {
  hosts_[server].powered = true;
  // As slow as after a crash.
  clock_.After(kRecoveryMin, [this, server] {
    for (int service : plan_.servers[server].services) {
      Member& member = members_[service][server];
      if (member.state == Member::State::kDown && hosts_[server].powered) Start(service, server);
    }
  });
}

bool Estate::AllWell() const {
  for (size_t service = 1; service < plan_.services.size(); ++service) {
    for (int server : plan_.services[service].members) {
      if (!members_[service][server].in_sync()) return false;
    }
  }
  return true;
}

}  // namespace kb::run::sim
