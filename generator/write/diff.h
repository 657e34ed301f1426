// Diff: the difference of two texts or two trees, for people, and as patch(1) and git read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace kb::write {

// Unified diff with three lines of context and the given names; empty when the texts are equal.
// The shortest one, unless the texts have so little in common that it would be long to find.
std::string UnifiedDiff(std::string_view before, std::string_view after,
                        std::string_view before_name, std::string_view after_name);

// The lines of `after`, from 1, that the unified diff marks with a plus.
std::vector<uint32_t> NewLines(std::string_view before, std::string_view after);

// One side of a comparison of files.
struct FileState {
  bool exists = false;
  bool executable = false;
  std::string bytes;
};

// The diff of one file in git's form, which also says that a file appears, goes or changes its
// mode; empty when the sides are equal.
std::string GitDiff(std::string_view path, const FileState& before, const FileState& after);

// Reads a file for GitDiff; one that is not there does not exist.
Result<FileState> ReadState(const std::string& path);

struct FileDiff {
  std::string path;
  std::string text;  // as GitDiff
};

// Compares two folders file by file. By path.
Result<std::vector<FileDiff>> DiffTrees(const std::string& before, const std::string& after);

}  // namespace kb::write
