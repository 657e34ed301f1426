// Executor: drives a schedule over real connections. One thread, one loop, however many servers.
#pragma once

#include <poll.h>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "run/errand.h"
#include "run/journal.h"
#include "run/link.h"
#include "run/signals.h"
#include "run/watcher.h"

namespace kb::run {

// Milliseconds of the monotonic clock.
Time Now();

struct Course {
  Finish finish = Finish::kRunning;  // kRunning: it was left at once, by a second Ctrl-C
  std::string reason;
  std::vector<int> left_running;  // tasks that servers still work on
  std::vector<Task> tasks;
  std::vector<TaskState> states;
  std::map<int, Hello> hellos;  // what each server said first
};

// Feeds the schedule with what happens, journals what it decides and then does it. The arguments
// must outlive it; without a journal nothing is recorded.
class Executor {
 public:
  Executor(const Errand& errand, Schedule& schedule, Journal* journal,
           std::vector<Watcher*> watchers);

  // Returns when the schedule has finished and every server was told so. Error: the journal cannot
  // be written any more; nothing was begun that is not in it.
  Result<Course> Run();

 private:
  void Feed(const Report& report);
  void Tell(Event event);
  void Act(const Action& action);
  Link& LinkTo(int server);
  void HearSignals();
  void ServeOnce(std::optional<Time> until);
  void SayGoodbye();
  Course Take();

  const Errand& errand_;
  Schedule& schedule_;
  Journal* journal_;
  std::vector<Watcher*> watchers_;
  Signals signals_;
  std::vector<std::unique_ptr<Link>> links_;  // by server
  std::deque<Report> reports_;                // not fed yet: feeding leads to more of them
  std::vector<pollfd> watched_;
  std::map<int, Hello> hellos_;
  std::optional<Error> broken_;
  int interrupts_ = 0;
};

}  // namespace kb::run
