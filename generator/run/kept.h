// Kept: the trees that were applied, so that an earlier one can be applied again.
#pragma once

#include <string>

#include "base/result.h"
#include "run/journal.h"
#include "run/tree.h"

namespace kb::run {

// Copies a tree to <folder>/<its id>, whole or not at all, and removes all but the newest few.
Result<void> KeepTree(const Tree& tree, const std::string& folder);

// The tree that was in use before the last one, by the journal, and that is still kept: its path.
// `to`: that tree instead, by its id or the beginning of it.
Result<std::string> FindKept(const std::string& folder, const History& history,
                             const std::string& to);

}  // namespace kb::run
