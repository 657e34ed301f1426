// PaintDiff: a unified diff in the colours of git.
#pragma once

#include <string>
#include <string_view>

namespace kb::cli {

// As it is when `color` is false.
std::string PaintDiff(std::string_view diff, bool color);

}  // namespace kb::cli
