// Survey: how an existing output folder differs from what should stand in it. Only reads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "diag/diagnostic.h"
#include "write/tree.h"

namespace kb::write {

// Where a run keeps what is not yet in its place, below the output folder. One that is found was
// left behind by a run that died.
inline constexpr std::string_view kStageName = ".kbgen-new";

// Large estates have millions of artifacts, so what is remembered of each is 41 bytes.
struct Survey {
  enum class State : uint8_t { kSame, kMissing, kDiffers };

  explicit Survey(size_t items) : digests(items), states(items, State::kMissing) {}

  Digests digests;            // of what should stand there
  std::vector<State> states;  // of what stands there
  uint64_t bytes = 0;         // rendered
  State manifest = State::kMissing;
  uint64_t manifest_bytes = 0;
  std::vector<std::string> obsolete;  // to be deleted, by path
  std::vector<std::string> foreign;   // to be left alone, by path
  // Where deleted files stood, there or not: folders that have become empty go too. By path.
  std::vector<std::string> emptied;

  bool differs() const {
    return std::ranges::any_of(states, [](State state) { return state != State::kSame; });
  }
};

// Renders everything and compares. An Error too if something that is not kbgen's stands in the
// way of an artifact. Unusable if something was reported.
Result<Survey> SurveyTree(int root, const Source& source, const Options& options,
                          Diagnostics& diags);

}  // namespace kb::write
