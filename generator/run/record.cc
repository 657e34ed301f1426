#include "run/record.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include <fmt/core.h>

namespace kb::run {
namespace {

// Empty: not journalled.
std::string_view JournalName(EventKind kind) {
  switch (kind) {
    case EventKind::kRunBegin:
      return "run-begin";
    case EventKind::kShip:
    case EventKind::kShipEnd:
      return "ship";
    case EventKind::kStepBegin:
      return "step-begin";
    case EventKind::kStepEnd:
    case EventKind::kStepSkipped:
      return "step-end";
    case EventKind::kGateOpen:
    case EventKind::kGateClosed:
      return "gate";
    case EventKind::kRunEnd:
      return "run-end";
    case EventKind::kEnrolled:
      return "enrolled";
    default:
      return {};
  }
}

}  // namespace

std::optional<Record> RecordOf(const Event& event, const Plan& plan, const std::vector<Task>& tasks,
                               const RunIdentity& identity, std::string time) {
  const std::string_view name = JournalName(event.kind);
  if (name.empty()) return std::nullopt;
  Record record{.time = std::move(time),
                .run = identity.run,
                .who = identity.who,
                .event = std::string(name),
                .tree = identity.tree,
                .result = std::string(Name(event.result))};
  if (event.server >= 0) record.host = plan.servers[event.server].name;
  if (event.service >= 0) record.service = plan.services[event.service].name;
  if (event.step >= 0) record.step = plan.steps[event.step].name;
  if (event.task >= 0) record.input = tasks[event.task].input;
  if (event.kind == EventKind::kStepEnd) {
    constexpr Time kSecond = 1000;
    if (event.result != Outcome::kLost) record.status = event.status;
    record.took = static_cast<uint64_t>(std::max<Time>(event.took, 0) / kSecond);
  }
  return record;
}

std::string UtcNow() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                     utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

}  // namespace kb::run
