#include "run/lines.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "run/record.h"
#include "run/show.h"

namespace kb::run {
namespace {

constexpr Time kReminder = 60'000;

// What an event says in one line; empty: nothing that is worth one.
std::string Say(const Event& event, const Board& board, Lines::Detail detail) {
  const std::string server = board.ServerOf(event);
  const std::string step = board.StepOf(event);
  const std::string text = Printable(event.text);
  const bool everything = detail == Lines::Detail::kEverything;
  const bool ends = detail != Lines::Detail::kTrouble;
  switch (event.kind) {
    case EventKind::kRunBegin:
      return ends ? text : std::string();
    case EventKind::kBudget:
    case EventKind::kTorn:
      return text;
    case EventKind::kServerLost:
      return fmt::format("{}: {}; trying again", server, text);
    case EventKind::kEnrolled:
      return fmt::format("{}: {}", server, text);
    case EventKind::kServerFailed:
      return fmt::format("{}: FAILED: {}", server, text);
    case EventKind::kShipEnd:
      if (event.result == Outcome::kFailed) {
        return fmt::format("{}: files could not be brought: {}", server, text);
      }
      return ends ? fmt::format("{}: files are there", server) : std::string();
    case EventKind::kStepBegin:
      return everything ? fmt::format("{}: {} begins", server, step) : std::string();
    case EventKind::kStepEnd:
      if (event.result == Outcome::kOk) {
        return ends ? fmt::format("{}: {} done in {}", server, step, Span(event.took))
                    : std::string();
      }
      return fmt::format("{}: {} FAILED ({}) after {}: {}", server, step, event.status,
                         Span(event.took), text);
    case EventKind::kStepSkipped:
      return everything ? fmt::format("{}: {} was done before", server, step) : std::string();
    case EventKind::kStepBlocked:
      return everything ? fmt::format("{}: {} does not begin: {}", server, step, text)
                        : std::string();
    case EventKind::kOutput:
      return everything ? fmt::format("{}: {}{}{}", server, step, step.empty() ? "" : ": ", text)
                        : std::string();
    case EventKind::kGateOpen:
      return everything ? fmt::format("{}: gate open: {}", server, text) : std::string();
    case EventKind::kGateClosed:
      return fmt::format("{}: must wait: {}", server, text);
    case EventKind::kWaiting:
      return fmt::format("{}: waits: {}", server, text);
    case EventKind::kStopping:
      return "nothing new begins, what runs is finished";
    case EventKind::kConnecting:
    case EventKind::kConnected:
    case EventKind::kPreflight:
    case EventKind::kPreflightEnd:  // what is bad gives the server up
    case EventKind::kShip:
    case EventKind::kGateAsk:
    case EventKind::kRunEnd:
      return {};
  }
  return {};
}

}  // namespace

void Lines::Print(const std::string& text) {
  if (text.empty()) return;
  fmt::print(file_, "{} {}\n", UtcNow(), text);
  std::fflush(file_);
}

void Lines::Show(const Event& event) {
  if (event.kind == EventKind::kStepBegin) reminded_[event.server] = event.time;
  Print(Say(event, board_, detail_));
}

std::optional<Time> Lines::Pass(Time now) {
  std::optional<Time> next;
  for (const auto& [server, row] : board_.rows()) {
    if (row.doing != Doing::kStep) continue;
    Time& last = reminded_[server];
    if (now - last >= kReminder) {
      last = now;
      Print(fmt::format("{}: {} runs since {}{}{}",
                        board_.plan().servers[static_cast<size_t>(server)].name, row.what,
                        Span(now - row.since), row.last.empty() ? "" : ": ", row.last));
    }
    next = std::min(next.value_or(last + kReminder), last + kReminder);
  }
  return next;
}

void JsonLines::Show(const Event& event) {
  using Json = nlohmann::ordered_json;
  Json line = {{"time", UtcNow()}, {"event", Name(event.kind)}};
  if (event.server >= 0) line["server"] = board_.ServerOf(event);
  if (event.service >= 0) {
    line["service"] = board_.plan().services[static_cast<size_t>(event.service)].name;
  }
  if (event.step >= 0) line["step"] = board_.plan().steps[static_cast<size_t>(event.step)].name;
  if (event.result != Outcome::kNone) line["result"] = Name(event.result);
  if (event.kind == EventKind::kStepEnd) {
    line["status"] = event.status;
    line["took"] = static_cast<double>(event.took) / 1000;
  }
  if (!event.text.empty()) line["text"] = event.text;
  // What a script prints need not be UTF-8.
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace);
  fmt::print(file_, "{}\n", text);
  std::fflush(file_);
}

}  // namespace kb::run
