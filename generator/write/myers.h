// Myers: which items two sequences have in common, in order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace kb::write {

// A stretch of equal items: before[before, before + size) and after[after, after + size).
struct Match {
  uint32_t before = 0;
  uint32_t after = 0;
  uint32_t size = 0;
  friend bool operator==(const Match&, const Match&) = default;
};

// Eugene Myers, "An O(ND) Difference Algorithm and Its Variations" (1986). Matches in rising order,
// none adjacent to the next on both sides. Beyond `edits_max` differences what remains of the
// middle counts as different: correct, though no longer the shortest answer.
std::vector<Match> CommonItems(std::span<const uint32_t> before, std::span<const uint32_t> after,
                               int edits_max);

}  // namespace kb::write
