// State: the folder of what runs remember: journal, lock.
#pragma once

#include <string>

#include "base/result.h"

namespace kb::run {

// Makes it with those above it, 0700. One that is there is left as it is.
Result<void> MakeStateFolder(const std::string& path);

}  // namespace kb::run
