// Revision: where the sources of a tree stand in Git.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace kb::bundle {

struct Revision {
  std::string commit;
  uint64_t time = 0;   // of the commit, seconds since 1970
  bool dirty = false;  // something that Git knows is not what the commit says, or the tree has more
};

// Nothing where the folder is in no repository, or there is no Git.
Result<std::optional<Revision>> RevisionOf(const std::string& folder);

}  // namespace kb::bundle
