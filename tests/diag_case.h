// Case: edits that break (or do not break) the base topology of tests/diag/. Its README.md
// describes the format.
#pragma once

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace kb::test {

struct Edit {
  std::string file;
  std::string before;  // stands in the file exactly once; empty: the edit appends or creates
  std::string after;
};

struct Case {
  std::string name;  // "KB3501-even-quorum"
  std::vector<Edit> edits;
  std::string mistake;  // of the case file itself; empty: none

  int code() const;  // 3501
  bool passes() const { return name.ends_with("-passes"); }
};

// How GoogleTest names a parameter.
inline void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }

Case ParseCase(std::string name, std::string_view text);

// Every case of the folder, by name.
std::vector<Case> LoadCases(const std::string& folder);

// Applies the edits to the tree below `root`. What could not be applied, or nothing.
std::string ApplyEdits(const Case& c, const std::string& root);

}  // namespace kb::test
