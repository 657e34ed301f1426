// Estate: a random plan, and servers and members that live by themselves: they install, start, come
// into sync, crash and recover, lose their network and their power.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "dice.h"
#include "run/schedule.h"

namespace kb::run::sim {

Plan MakePlan(Dice& dice);
Expected MakeExpected(const Plan& plan);

// Simulated time; what is planned for one moment happens in the order in which it was planned.
class Clock {
 public:
  Time now() const { return now_; }
  void After(Time wait, std::function<void()> what) {
    queue_.push({now_ + wait, next_++, std::move(what)});
  }
  // False: nothing is planned any more.
  bool Step() {
    if (queue_.empty()) return false;
    const Planned& next = queue_.top();
    now_ = next.at;
    const std::function<void()> what = std::move(next.what);
    queue_.pop();
    what();
    return true;
  }

 private:
  struct Planned {
    Time at;
    uint64_t order;
    mutable std::function<void()> what;
    bool operator<(const Planned& other) const {
      return at != other.at ? at > other.at : order > other.order;
    }
  };
  Time now_ = 0;
  uint64_t next_ = 0;
  std::priority_queue<Planned> queue_;
};

struct Member {
  enum class State : uint8_t {
    kAbsent,
    kDown,
    kStarting,
    kUp,  // its port is open
    kInSync
  };
  State state = State::kAbsent;
  int version = 0;         // of what was planned for it; older plans are void
  Time lies_until = 0;     // just started, it says for a moment that all is well
  bool by_runner = false;  // the runner stopped it, and it was not in sync since
  bool runs() const { return state >= State::kStarting; }
  bool in_sync() const { return state == State::kInSync; }
};

struct Script {
  int step = -1;
  int run = 0;
};

struct Host {
  bool reachable = true;
  bool powered = true;
  std::string generation;
  std::vector<std::string> receipts;  // by step: the input; empty: none
  std::optional<Script> script;
  int version = 0;  // of its script
};

struct Habits {
  bool naive_gate = false;  // "its port is open" is an answer
};

class Estate {
 public:
  Estate(Dice& dice, Clock& clock, const Plan& plan, const Expected& expected, Habits habits);

  const Plan& plan() const { return plan_; }
  Host& host(int server) { return hosts_[server]; }
  Member& member(int service, int server) { return members_[service][server]; }
  const std::string& input(int step, int server) const;
  bool counts(int step, int server) const {
    return !hosts_[server].receipts[step].empty() &&
           hosts_[server].receipts[step] == input(step, server);
  }

  // Exit status of gate.sh on a member.
  int Gate(int service, int server, int subject);
  int Leads(int service, int server);

  void Start(int service, int server);
  void Stop(int service, int server);
  void Crash(int service, int server);  // it comes back by itself
  void PowerOff(int server);            // scripts and members die; PowerOn starts the members
  void PowerOn(int server);
  bool AllWell() const;

 private:
  Dice& dice_;
  Clock& clock_;
  const Plan& plan_;
  const Expected& expected_;
  Habits habits_;
  std::vector<Host> hosts_;
  std::vector<std::vector<Member>> members_;  // by service and server
};

}  // namespace kb::run::sim
