// Events: what a run tells whoever watches it: terminal, lines, JSON, the journal.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kb::run {

// Milliseconds of a monotonic clock. The schedule only compares and adds.
using Time = int64_t;

enum class EventKind : uint8_t {
  kRunBegin,      // first of all; text: what is to be done
  kBudget,        // text: "redis: 3 members, 1 may be down, ..."
  kConnecting,    // server
  kConnected,     // server; text: what is there (generation, how many receipts count)
  kServerLost,    // server; text: reason. It is tried again
  kServerFailed,  // server; text: reason. It is given up
  kPreflight,     // server; begins
  kPreflightEnd,  // server, result; text: what was bad
  kShip,          // server; begins
  kShipEnd,       // server, result, text
  kStepBegin,     // task, server, service, step
  kStepEnd,       // the same, result, status, took
  kStepSkipped,   // a receipt counts
  kStepBlocked,   // will not start in this run; text: why
  kOutput,        // task or server; text: one line that a script printed. Made by the executor
  kGateAsk,       // task, server (that may be stopped), service (that is asked); also "after"
  kGateOpen,      // text: what was measured
  kGateClosed,    // text: who said no and why. It is asked again
  kWaiting,       // server; text: what is waited for, when that takes long
  kStopping,      // no new step begins; text: why
  kEnrolled,      // server; text: the host key that was recorded. Made by the executor
  kTorn,          // the journal ended in half a line, which was cut off. Made by the executor
  kRunEnd,        // last of all; result; text: summary and what to do next
};

enum class Outcome : uint8_t { kNone, kOk, kFailed, kSkipped, kLost };

struct Event {
  EventKind kind = EventKind::kOutput;
  Time time = 0;
  int server = -1;  // indices into the plan; -1: not about one
  int service = -1;
  int step = -1;
  int task = -1;  // into Schedule::tasks()
  Outcome result = Outcome::kNone;
  int status = 0;  // exit status of a script
  Time took = 0;   // ms
  std::string text;
};

std::string_view Name(EventKind kind);   // "step-begin", as in the JSON output
std::string_view Name(Outcome outcome);  // "ok", "failed", "skipped", "lost"; none: ""

}  // namespace kb::run
