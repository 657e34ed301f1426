// Record: which events are journalled, and how.
#pragma once

#include <optional>
#include <vector>

#include "run/events.h"
#include "run/journal.h"
#include "run/schedule.h"

namespace kb::run {

// What all records of a run have in common.
struct RunIdentity {
  std::string run;
  std::string who;   // "user@host"
  std::string tree;  // Tree::id
};

// The record of an event, without seq and prev; nothing for those that only a watcher wants. The
// executor appends it before it does the actions that came with the event.
std::optional<Record> RecordOf(const Event& event, const Plan& plan, const std::vector<Task>& tasks,
                               const RunIdentity& identity, std::string time);

// Now, as records and receipts write it: "2026-11-21T05:00:00Z".
std::string UtcNow();

}  // namespace kb::run
