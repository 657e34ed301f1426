// Memory: a file of one line that remembers the newest bundle that was accepted, so that an older
// one, validly signed as it is, cannot be slipped in: "<topology> <serial> <tree>".
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "bundle/unpack.h"

namespace kb::bundle {

struct Memory {
  std::string topology;
  uint64_t serial = 0;
  std::string tree;
};

// Nothing where there is no such file yet.
Result<std::optional<Memory>> ReadMemory(const std::string& path);

// An Error if the bundle is older, of another topology, or another one of the same serial.
Result<void> Allows(const Memory& memory, const UnpackedBundle& bundle);

Result<void> WriteMemory(const std::string& path, const UnpackedBundle& bundle);

}  // namespace kb::bundle
