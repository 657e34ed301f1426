// Sources: from which addresses connections to a listener arrive.
#pragma once

#include <cstdint>
#include <vector>

#include "graph/graph.h"

namespace kb::graph {

// An address or a network, as a number with a prefix length, so that they sort as people expect.
struct Source {
  uint32_t address;
  int bits;
  friend auto operator<=>(const Source&, const Source&) = default;
};

// Sorted, each once.
std::vector<Source> SourcesOf(const Graph& graph, const Listener& listener);

}  // namespace kb::graph
