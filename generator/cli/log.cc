#include "cli/log.h"

#include <spdlog/sinks/ansicolor_sink.h>
#include <spdlog/spdlog.h>

namespace kb::cli {
namespace {

// No logger of spdlog's registry: that one is made, with its threads' locks, in every run.
std::shared_ptr<spdlog::logger>& Logger() {
  static std::shared_ptr<spdlog::logger> logger;
  return logger;
}

}  // namespace

void StartLog(bool color) {
  const auto sink = std::make_shared<spdlog::sinks::ansicolor_stderr_sink_mt>(
      color ? spdlog::color_mode::always : spdlog::color_mode::never);
  // Milliseconds since the start say where the time goes.
  sink->set_pattern("%^kbgen%$ %T.%e %v");
  Logger() = std::make_shared<spdlog::logger>("kbgen", sink);
}

void Log(std::string_view line) {
  if (Logger() != nullptr) Logger()->info("{}", line);
}

}  // namespace kb::cli
