// Play: one seed's story. Runs are made over an estate until everything is done, while members
// crash, servers vanish, scripts fail and the runner is killed; invariants are judged all the way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "run/schedule.h"

namespace kb::run::sim {

struct Rules {
  Faults faults;            // that the schedule is given
  bool naive_gate = false;  // members say yes as soon as their port is open
  bool trace = false;       // tell everything on stderr
};

struct Told {
  std::optional<std::string> violation;
  int runs = 0;
  int tasks = 0;  // that were run
  int stops = 0;  // members that were stopped by steps
};

Told Play(uint64_t seed, const Rules& rules);

}  // namespace kb::run::sim
