// Schedule: decides what a run does next. A pure state machine: no clock, no threads, no I/O.
//
// The executor owns the connections. It feeds what happened with Take(), journals the events that
// come back, then does the actions. Take() is called
//   - once with Tick at the beginning,
//   - with Tick when wake() has come,
//   - with everything else as soon as it is known.
// Reports about something that the schedule no longer waits for (a late answer, a second Lost) are
// ignored, so the executor need not filter.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "run/events.h"
#include "run/gate.h"
#include "run/plan.h"
#include "run/receipt.h"
#include "run/tree.h"

namespace kb::run {

// ---- What is wanted ------------------------------------------------------------------------

struct Limits {
  Time gate_timeout = 600'000;  // how long a closed gate is asked again, --gate-timeout
  Time answer_limit = 10'000;   // how long one member may take to answer
  Time sample_gap = 1'000;      // between two samples
  Time gate_retry = 5'000;      // between a closed round and the next one
  Time first_reach = 15'000;    // how long a server that was never reached is tried
  Time reach = 300'000;         // the same for one that was lost on the way (it may be booting)
  Time look = 2'000;            // between two looks at a step of an earlier connection
  int samples = 3;
};

// Faults that the simulator puts in to prove that it would notice them. Never set elsewhere.
struct Faults {
  bool skip_gate = false;
  bool skip_after = false;      // begins the next rolling step without asking
  bool ask_one_member = false;  // only the one that is to be stopped
  bool unreachable_is_fine = false;
  bool one_sample = false;
  bool ignore_earlier = false;  // steps of an earlier connection that still run
  bool ignore_receipts = false;
  bool ignore_needs = false;
};

struct Selection {
  StepKind kind = StepKind::kApply;
  std::vector<int> servers;   // --limit; empty: all
  std::vector<int> services;  // --module; empty: all
  unsigned jobs = 0;          // servers that connect or receive files at once; 0: no limit
  bool keep_going = false;    // after a failure, what does not depend on it
  bool dry_run = false;       // connects and reads, decides the same, changes nothing
  bool resumed = false;       // the journal's last run has no end: see Schedule
  Limits limits;
  Faults faults;
};

// One step on one server.
struct Task {
  int step = -1;
  int server = -1;
  std::string input;  // what its receipt must say
};

// The tasks of a selection, in the order in which they are preferred. An error: a name in the
// selection that no step of that kind has anything to do with.
Result<std::vector<Task>> SelectTasks(const Plan& plan, const Expected& expected,
                                      const Selection& selection);

// ---- What the executor is told to do -------------------------------------------------------

// Make a new connection (an older one of that server is closed first), take the server's lock, put
// the credentials there, say hello. Answered by Hello, Lost or Refused.
struct Connect {
  int server;
};
// Say hello again over the connection that is there: a step of an earlier one still runs.
struct Look {
  int server;
};
// Answered by Checked.
struct Preflight {
  int server;
};
// Ship the tree's generation. Answered by Shipped.
struct Ship {
  int server;
};
// Run a task: request word `run` for kind apply (a receipt is written), else `exec`. Answered by
// Ended; or Lost, and after the next Hello the schedule finds out what became of it.
struct Run {
  int task;
};
// Run the gate of `service` on `server`: with the name of `subject` ("may it be stopped?"), with
// nothing (subject -1: "is all well?") or with --leads. Answered by Answered, with the same id.
struct Ask {
  int id;
  int server;
  int service;
  int subject;
  bool leads;
};
// Say bye and close; the server is no longer needed. Not answered.
struct Close {
  int server;
};
using Action = std::variant<Connect, Look, Preflight, Ship, Run, Ask, Close>;

// ---- What the executor tells ---------------------------------------------------------------

struct Tick {};

// A step that an earlier connection began and that has not ended.
struct Running {
  std::string folder;
  std::string step;
  std::string run;
};
// Answers Connect and Look.
struct Hello {
  int server;
  std::string generation;  // name of the folder (16 digits); empty: nothing was ever shipped
  std::vector<Receipt> receipts;
  std::vector<Running> running;
};
// The connection was not made or has ended. The schedule asks to Connect again until it gives up.
struct Lost {
  int server;
  std::string reason;
};
// Trying again cannot help: a wrong host key, another run's lock, no bash.
struct Refused {
  int server;
  std::string reason;
};
struct Checked {
  int server;
  bool ok;
  std::string text;  // what is bad
};
struct Delivered {
  int server;
  bool ok;
  std::string text;
};
struct Ended {
  int task;
  int status;
  std::string text;  // last line
};
struct Answered {
  int id;
  int status;        // of the gate script; kNoAnswer when it could not be run or asked
  std::string text;  // last line
};
// Ctrl-C: what runs is finished, nothing begins.
struct Stop {
  std::string reason;
};
using Report = std::variant<Tick, Hello, Lost, Refused, Checked, Delivered, Ended, Answered, Stop>;

// ---- The machine ---------------------------------------------------------------------------

// Events come in order and before the actions: a step-begin is journalled before its Run is done.
struct Decisions {
  std::vector<Event> events;
  std::vector<Action> actions;
};

enum class TaskState : uint8_t {
  kWaiting,  // for what it needs, its server, its gate
  kAsking,   // its gate is being asked; the server is kept free
  kRunning,
  kDone,     // in this run
  kSkipped,  // a receipt counts: it was done before
  kFailed,
  kBlocked,  // will not start: what it needs failed, or the run stops
};

enum class Finish : uint8_t {
  kRunning,
  kDone,         // all tasks done or skipped
  kFailed,       // at least one failed, or a gate stayed closed, or a server was not reached
  kInterrupted,  // by Stop
};

// The rules:
//   - Nothing begins before every selected server has said hello and passed its preflight; one
//     that does not ends the run before it changed anything (or, with keep_going, its tasks).
//     A server on which nothing is to be done is neither checked nor shipped to.
//   - A step begins when the steps in its `after` and all apply steps of the services in `needs`
//     are done on all their selected servers. What is not selected must have some receipt: on the
//     task's own server, if the needed service is everywhere where the task's one is, else
//     everywhere; such servers are connected to and asked.
//   - One task at a time on a server. A parallel step begins on all its servers at once, when all
//     are free. A rolling one goes server by server; it holds its own service and every service
//     with a gate that the server is a member of, from the first question to the last answer.
//     (Not one that neither needs its own nor is installed completely: two installations would
//     wait for each other.)
//   - Gate: `samples` rounds of asking all members whether the server may be stopped. Open when
//     that server's own member does not run (10), or when everybody says yes every time. After the
//     step everybody must say that all is well, unless the service's installation is not complete
//     yet. Members outside of the selection are connected to for being asked.
//   - At the end of a run without failures every service with a gate that it touched, or, when
//     `resumed`, could have, must say that all is well.
class Schedule {
 public:
  // `plan` must outlive it. Tasks come from SelectTasks.
  Schedule(const Plan& plan, const Expected& expected, std::vector<Task> tasks,
           Selection selection);
  ~Schedule();
  Schedule(Schedule&&) noexcept;
  Schedule& operator=(Schedule&&) noexcept;

  Decisions Take(Time now, const Report& report);

  // When a Tick is due, if nothing else happens before.
  std::optional<Time> wake() const;

  // kRunning until nothing is left to wait for. Afterwards Take() gives nothing any more.
  Finish finish() const;
  // Why it did not end as kDone; what to do next is for the command to say.
  std::string_view reason() const;
  // When members that do not run close a gate, and wait for the very step behind it: their servers.
  // A run with --limit to them, then this one again, gets on. reason() says so, too.
  const std::vector<int>& finish_first() const;

  const std::vector<Task>& tasks() const;
  TaskState state(int task) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kb::run
