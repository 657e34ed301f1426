// Log: lines about the progress of a run, on stderr.
#pragma once

#include <string_view>

namespace kb::cli {

void StartLog(bool color);
void Log(std::string_view line);

}  // namespace kb::cli
