// Place: where an output tree stands, and the two ways of writing one.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "write/posix.h"
#include "write/survey.h"
#include "write/tree.h"

namespace kb::write {

// The output folder by its path. The path itself may lead through links: it is the user's word.
class Place {
 public:
  explicit Place(const std::string& root);

  Fd Open() const;
  Fd OpenParent() const;
  const std::string& path() const { return path_; }
  const std::string& parent() const { return parent_; }
  const std::string& name() const { return name_; }
  // New trees are made under this name and a number, beside the place where they will stand.
  std::string StagePrefix() const { return "." + name_ + ".kbgen-new-"; }

  // Removes what runs that died left beside the tree. Error: one of them is still alive.
  Result<void> RemoveDeadStages() const;

 private:
  std::string path_;
  std::string parent_;
  std::string name_;
};

inline mode_t ModeOf(const Source& source, uint32_t item) {
  return source.IsExecutable(item) ? 0755 : 0644;
}

// Keeps every other run away from the tree for as long as `folder` is open. The lock lies on the
// folder itself: no lock file stays behind, and the kernel frees it when a run dies.
Result<void> Lock(const Fd& folder, const std::string& path);

// Makes a tree that does not exist yet, beside it, and moves it into place as a whole. Gives its
// size in bytes. Nothing remains when an Error is returned or something is reported.
Result<uint64_t> MakeTree(const Place& place, const Source& source, const Options& options,
                          Diagnostics& diags);

// Makes the tree what the survey says that it should be: deletes what is obsolete, then renders
// what differs once more and moves each file into its place, and replaces the manifest last.
// Sets the survey's manifest_bytes.
Result<void> UpdateTree(int root, const Source& source, const Options& options, Survey& survey);

}  // namespace kb::write
