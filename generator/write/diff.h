// Diff: the difference of two texts or two trees, for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kb::write {

// Unified diff with three lines of context and the given names; empty when the texts are equal.
std::string UnifiedDiff(std::string_view before, std::string_view after, std::string_view before_name,
                        std::string_view after_name);

struct FileDiff {
  std::string path;
  std::string text;      // as UnifiedDiff
};

// Compares two folders file by file. By path.
Result<std::vector<FileDiff>> DiffTrees(const std::string& before, const std::string& after);

}  // namespace kb::write
