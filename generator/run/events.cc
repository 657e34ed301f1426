#include "run/events.h"

#include <array>

namespace kb::run {

std::string_view Name(EventKind kind) {
  static constexpr std::array<std::string_view, 22> kNames{
      "run-begin",    "budget",        "connecting", "connected", "server-lost", "server-failed",
      "preflight",    "preflight-end", "ship",       "ship-end",  "step-begin",  "step-end",
      "step-skipped", "step-blocked",  "output",     "gate-ask",  "gate-open",   "gate-closed",
      "waiting",      "stopping",      "enrolled",   "torn"};
  return kind == EventKind::kRunEnd ? "run-end" : kNames[static_cast<size_t>(kind)];
}

std::string_view Name(Outcome outcome) {
  static constexpr std::array<std::string_view, 5> kNames{"", "ok", "failed", "skipped", "lost"};
  return kNames[static_cast<size_t>(outcome)];
}

}  // namespace kb::run
