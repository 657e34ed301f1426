#include "run/board.h"

#include <algorithm>

#include <fmt/core.h>

#include "run/show.h"

namespace kb::run {
namespace {

// What fits on a screen beside the rest of the summary.
constexpr size_t kTailLines = 20;

}  // namespace

Board::Board(const Plan& plan, const std::vector<Task>& tasks) : plan_(plan), tasks_(tasks) {
  what_columns_ = std::string_view("receiving files").size();
  for (const Task& task : tasks_) {
    ++rows_[task.server].open;
    what_columns_ = std::max(what_columns_, ColumnsOf(StepOf({.step = task.step})));
  }
}

std::string Board::StepOf(const Event& event) const {
  if (event.step < 0) return {};
  const Step& step = plan_.steps[static_cast<size_t>(event.step)];
  return fmt::format("{}/{}", plan_.services[static_cast<size_t>(step.service)].name, step.name);
}

std::string Board::ServerOf(const Event& event) const {
  return event.server < 0 ? std::string() : plan_.servers[static_cast<size_t>(event.server)].name;
}

void Board::Set(const Event& event, Doing doing, std::string what) {
  if (event.server < 0) return;
  BoardRow& row = rows_[event.server];
  row.doing = doing;
  row.what = std::move(what);
  row.since = event.time;
  // What a step said last is told until it ends; the rest speaks for itself.
  const bool told = doing == Doing::kFailed || doing == Doing::kLost || doing == Doing::kGate;
  row.last = told ? Printable(event.text) : std::string();
  row.task = event.task;
}

void Board::Finished(const Event& event) {
  const auto row = rows_.find(event.server);
  if (row == rows_.end()) return;
  if (row->second.open > 0) --row->second.open;
}

void Board::Show(const Event& event) {
  const std::string step = StepOf(event);
  switch (event.kind) {
    case EventKind::kRunBegin:
      began_ = ended_ = event.time;
      break;
    case EventKind::kConnecting:
      Set(event, Doing::kConnecting, "connecting");
      break;
    case EventKind::kConnected:
    case EventKind::kPreflightEnd:
    case EventKind::kShipEnd: {
      if (event.kind == EventKind::kShipEnd && event.result == Outcome::kOk) ++shipped_;
      const auto row = rows_.find(event.server);
      const bool open = row != rows_.end() && row->second.open > 0;
      Set(event, open ? Doing::kWaiting : Doing::kDone, open ? "waiting" : "done");
      break;
    }
    case EventKind::kServerLost:
      Set(event, Doing::kLost, "lost, connecting again");
      break;
    case EventKind::kServerFailed:
      Set(event, Doing::kFailed, "given up");
      failures_.push_back({.server = event.server, .reason = Printable(event.text), .tail = {}});
      break;
    case EventKind::kPreflight:
      Set(event, Doing::kChecking, "checking");
      break;
    case EventKind::kShip:
      Set(event, Doing::kShipping, "receiving files");
      break;
    case EventKind::kStepBegin:
      Set(event, Doing::kStep, step);
      tails_[event.task].clear();
      break;
    case EventKind::kStepEnd: {
      Finished(event);
      if (event.result == Outcome::kOk) {
        ++done_;
        const bool open = rows_[event.server].open > 0;
        Set(event, open ? Doing::kWaiting : Doing::kDone, open ? "waiting" : "done");
      } else {
        Set(event, Doing::kFailed, step);
        failures_.push_back({.task = event.task,
                             .server = event.server,
                             .status = event.status,
                             .took = event.took,
                             .reason = Printable(event.text),
                             .tail = tails_[event.task]});
      }
      break;
    }
    case EventKind::kStepSkipped:
      ++skipped_;
      Finished(event);
      if (const auto row = rows_.find(event.server); row != rows_.end() && row->second.open == 0) {
        Set(event, Doing::kDone, "done");
      }
      break;
    case EventKind::kOutput: {
      const auto row = rows_.find(event.server);
      std::string line = Printable(event.text);
      if (event.task >= 0) {
        std::deque<std::string>& tail = tails_[event.task];
        tail.push_back(line);
        if (tail.size() > kTailLines) tail.pop_front();
      }
      if (row != rows_.end()) row->second.last = std::move(line);
      break;
    }
    case EventKind::kGateAsk:
      Set(event, Doing::kGate, "asking the others");
      break;
    case EventKind::kGateClosed:
    case EventKind::kWaiting:
      if (const auto row = rows_.find(event.server); row != rows_.end()) {
        row->second.last = Printable(event.text);
      }
      break;
    case EventKind::kStopping:
      stopping_ = true;
      break;
    case EventKind::kRunEnd:
      ended_ = event.time;
      break;
    case EventKind::kBudget:
    case EventKind::kStepBlocked:
    case EventKind::kGateOpen:
    case EventKind::kTorn:
    case EventKind::kEnrolled:
      break;
  }
}

}  // namespace kb::run
