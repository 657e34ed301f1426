// Version: of this kbgen, as CMake knows it.
#pragma once

#include <string_view>

namespace kb::cli {

extern const std::string_view kVersion;

}  // namespace kb::cli
