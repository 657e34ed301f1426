#include "write/myers.h"

#include <algorithm>

namespace kb::write {
namespace {

using Items = std::span<const uint32_t>;

// How far each diagonal k = x - y in [-d, d] had got after d edits, for all d so far: row d begins
// at d * d, because row d has 2d + 1 entries.
class Trace {
 public:
  void AddRow(int edits) { reach_.resize(static_cast<size_t>(edits + 1) * (edits + 1), 0); }
  int& At(int edits, int diagonal) {
    return reach_[static_cast<size_t>(edits) * edits + (diagonal + edits)];
  }
  // The x at which the path enters `diagonal` with its edit number `edits`.
  int Enter(int edits, int diagonal) {
    return GoesDown(edits, diagonal) ? At(edits - 1, diagonal + 1)
                                     : At(edits - 1, diagonal - 1) + 1;
  }
  // Whether that edit is an insertion (down) rather than a deletion (right).
  bool GoesDown(int edits, int diagonal) {
    return diagonal == -edits ||
           (diagonal != edits && At(edits - 1, diagonal - 1) < At(edits - 1, diagonal + 1));
  }

 private:
  std::vector<int> reach_;
};

void AddMatch(std::vector<Match>& matches, int before, int after, int size) {
  if (size > 0)
    matches.push_back(
        {static_cast<uint32_t>(before), static_cast<uint32_t>(after), static_cast<uint32_t>(size)});
}

// Walks the path back from the end; the matches come out last first.
std::vector<Match> Backtrack(Trace& trace, int edits, int before_size, int after_size) {
  std::vector<Match> matches;
  int x = before_size;
  int y = after_size;
  for (; edits > 0; --edits) {
    const int diagonal = x - y;
    const int enter = trace.Enter(edits, diagonal);
    AddMatch(matches, enter, enter - diagonal, x - enter);
    const bool down = trace.GoesDown(edits, diagonal);
    x = down ? enter : enter - 1;
    y = x - (down ? diagonal + 1 : diagonal - 1);
  }
  AddMatch(matches, 0, 0, x);
  std::ranges::reverse(matches);
  return matches;
}

std::vector<Match> Solve(Items before, Items after, int edits_max) {
  const int before_size = static_cast<int>(before.size());
  const int after_size = static_cast<int>(after.size());
  Trace trace;
  for (int edits = 0; edits <= std::min(edits_max, before_size + after_size); ++edits) {
    trace.AddRow(edits);
    for (int diagonal = -edits; diagonal <= edits; diagonal += 2) {
      int x = edits == 0 ? 0 : trace.Enter(edits, diagonal);
      while (x < before_size && x - diagonal < after_size && x - diagonal >= 0 &&
             before[static_cast<size_t>(x)] == after[static_cast<size_t>(x - diagonal)]) {
        ++x;
      }
      trace.At(edits, diagonal) = x;
      if (x >= before_size && x - diagonal >= after_size) {
        return Backtrack(trace, edits, before_size, after_size);
      }
    }
  }
  return {};
}

}  // namespace

std::vector<Match> CommonItems(Items before, Items after, int edits_max) {
  const auto first = std::ranges::mismatch(before, after);
  const auto head = static_cast<uint32_t>(first.in1 - before.begin());
  const uint32_t shorter = static_cast<uint32_t>(std::min(before.size(), after.size()));
  uint32_t tail = 0;
  while (tail < shorter - head &&
         before[before.size() - 1 - tail] == after[after.size() - 1 - tail]) {
    ++tail;
  }
  std::vector<Match> matches;
  if (head > 0) matches.push_back({0, 0, head});
  for (Match match : Solve(before.subspan(head, before.size() - head - tail),
                           after.subspan(head, after.size() - head - tail), edits_max)) {
    match.before += head;
    match.after += head;
    matches.push_back(match);
  }
  const Match last = {static_cast<uint32_t>(before.size()) - tail,
                      static_cast<uint32_t>(after.size()) - tail, tail};
  if (tail > 0) matches.push_back(last);
  return matches;
}

}  // namespace kb::write
