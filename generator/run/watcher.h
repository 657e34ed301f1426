// Watcher: whoever follows a run while it goes on: a terminal, a pipe, the logs.
#pragma once

#include <optional>

#include "run/events.h"

namespace kb::run {

class Watcher {
 public:
  virtual ~Watcher() = default;
  // Events come in order. What they point to is in the plan and the tasks of the run.
  virtual void Show(const Event& event) = 0;
  // Called between events; gives when it wants to be called again, if nothing happens before.
  virtual std::optional<Time> Pass(Time now) = 0;
};

}  // namespace kb::run
