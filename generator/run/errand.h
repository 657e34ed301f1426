// Errand: what a run is about, as its links and its executor share it.
#pragma once

#include <string>
#include <vector>

#include "run/record.h"
#include "run/schedule.h"
#include "run/ship.h"
#include "run/transport.h"
#include "run/tree.h"

namespace kb::run {

// The tree and the store must outlive whatever uses an errand.
struct Errand {
  // Whether servers are locked and given files, or only looked at.
  enum class Hands : uint8_t { kOff, kOn };
  // A generation that is still there from before can be switched to instead of being shipped.
  enum class Ship : uint8_t { kFiles, kSwitchFirst };

  const Tree* tree = nullptr;
  const Expected* expected = nullptr;
  Store* store = nullptr;
  std::string agent;  // the text of lib/agent.sh
  Ways ways;
  RunIdentity identity;
  std::vector<std::string> arguments;  // of the steps that are run
  std::vector<int> limit;              // servers that are meant; empty: all
  Hands hands = Hands::kOff;
  Ship ship = Ship::kFiles;
  bool again = false;  // steps are run although their receipts count

  const Plan& plan() const { return tree->plan; }
};

}  // namespace kb::run
