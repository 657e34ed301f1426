// Board: what is going on, as far as events have told; what the table and the summary are made of.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "run/events.h"
#include "run/plan.h"
#include "run/schedule.h"
#include "run/watcher.h"

namespace kb::run {

// In the order in which a table with too few lines prefers them.
enum class Doing : uint8_t {
  kFailed,
  kLost,
  kStep,
  kGate,
  kShipping,
  kChecking,
  kConnecting,
  kWaiting,
  kDone
};

struct BoardRow {
  Doing doing = Doing::kWaiting;
  std::string what;  // "redis/04_redis_02_install", "connecting"
  Time since = 0;
  std::string last;  // line, printable
  int task = -1;
  size_t open = 0;  // tasks that were not done yet
};

struct Failure {
  int task = -1;  // -1: about a server, not about a task
  int server = -1;
  int status = 0;
  Time took = 0;
  std::string reason;
  std::deque<std::string> tail;  // the last lines, printable
};

class Board : public Watcher {
 public:
  // Both must outlive it.
  Board(const Plan& plan, const std::vector<Task>& tasks);

  void Show(const Event& event) override;
  std::optional<Time> Pass(Time) override { return std::nullopt; }

  const Plan& plan() const { return plan_; }
  // By server; only those that the run has to do with.
  const std::map<int, BoardRow>& rows() const { return rows_; }
  const std::vector<Failure>& failures() const { return failures_; }
  size_t tasks() const { return tasks_.size(); }
  size_t done() const { return done_; }
  size_t skipped() const { return skipped_; }
  size_t shipped() const { return shipped_; }  // servers
  Time began() const { return began_; }
  Time ended() const { return ended_; }
  bool stopping() const { return stopping_; }
  size_t what_columns() const { return what_columns_; }  // of the widest row's `what`

  // "redis/04_redis_02_install"; "" when an event is not about a step.
  std::string StepOf(const Event& event) const;
  std::string ServerOf(const Event& event) const;
  int StepIndex(int task) const { return tasks_[static_cast<size_t>(task)].step; }

 private:
  void Set(const Event& event, Doing doing, std::string what);
  void Finished(const Event& event);

  const Plan& plan_;
  const std::vector<Task>& tasks_;
  std::map<int, BoardRow> rows_;
  std::map<int, std::deque<std::string>> tails_;  // by task
  std::vector<Failure> failures_;
  size_t done_ = 0, skipped_ = 0, shipped_ = 0;
  size_t what_columns_ = 0;
  Time began_ = 0, ended_ = 0;
  bool stopping_ = false;
};

}  // namespace kb::run
