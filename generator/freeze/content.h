// Content: everything that a service renders now, to be frozen or to be held against the lock.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "freeze/lock.h"
#include "graph/graph.h"

namespace kb::freeze {

// Its servers and its steps, and its files one by one: a large estate has millions.
struct Content {
  std::vector<std::string> head;  // lines, sorted by subject
  size_t files = 0;
  std::function<std::string(size_t)> file_line;  // thread-safe
};

// The lines of a service's servers and steps, sorted.
std::vector<std::string> HeadLines(const graph::Graph& graph, int service);

// One difference between what is frozen and what would be rendered.
struct Change {
  std::string_view was;  // a line of the lock; empty: it is new
  std::string now;       // empty: it is gone
  size_t file = 0;       // index into the content's files, when `now` is the line of one

  std::string_view line() const { return now.empty() ? was : std::string_view(now); }
};

// By subject; empty: nothing changes.
std::vector<Change> Compare(const Block& block, const Content& content, unsigned threads);

// Reports a lock of another topology, frozen services that it does not have, and servers that a
// frozen service has lost: what can be known before anything is rendered.
void CheckLock(const Lock& lock, const graph::Graph& graph, Diagnostics& diags);

}  // namespace kb::freeze
