#include "cli/console.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <vector>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "cli/log.h"
#include "cli/version.h"

namespace kb::cli {
namespace {

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

bool IsDumb() {
  const char* terminal = std::getenv("TERM");
  return terminal == nullptr || std::string_view(terminal) == "dumb";
}

void Put(std::FILE* file, std::string_view text) { std::fwrite(text.data(), 1, text.size(), file); }

}  // namespace

bool UsesColor(Color color, int fd) {
  if (color != Color::kAuto) return color == Color::kAlways;
  return isatty(fd) == 1 && !IsSet("NO_COLOR") && !IsDumb();
}

Console::Console(const Options& options)
    : options_(options),
      color_stdout_(UsesColor(options.color, STDOUT_FILENO)),
      color_stderr_(UsesColor(options.color, STDERR_FILENO)) {
  if (options.verbose) StartLog(color_stderr_);
}

void Console::Print(std::string_view text) const { Put(stdout, text); }

void Console::PrintSummary(std::string_view text) const {
  if (text_format() && !options_.quiet) Print(text);
}

void Console::Progress(std::string_view what) const {
  if (options_.verbose) Log(what);
}

Status Console::Complain(std::string_view message, Status status) const {
  const std::string_view red = color_stderr_ ? "\x1b[1;31m" : "";
  const std::string_view plain = color_stderr_ ? "\x1b[0m" : "";
  Put(stderr, fmt::format("{}kbgen:{} {}\n", red, plain, message));
  return status;
}

Status Console::Fail(const Error& error) const {
  return Complain(error.message, Status::kEnvironment);
}

Status Console::Show(const Diagnostics& diags, const Sources& sources) const {
  return Show(diags, sources, nullptr);
}

Status Console::Show(const Diagnostics& diags, const Sources& sources,
                     const nlohmann::ordered_json& result) const {
  const PrintOptions print = {.color = color_stderr_ && text_format(), .tool_version = kVersion};
  std::vector<Diagnostic> shown = diags.Sorted();
  // Tools get everything; a person who asked for quiet is not told what needs no action.
  if (options_.quiet && text_format()) {
    std::erase_if(shown, [](const Diagnostic& d) { return d.severity == Severity::kInfo; });
  }
  std::string text = kb::Print(shown, sources, options_.format, print);
  if (json() && !result.is_null()) {
    // What was printed can be parsed; what cannot be printed was replaced there.
    auto document = nlohmann::ordered_json::parse(text, nullptr, false);
    document["result"] = result;
    text = document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  }
  Put(text_format() ? stderr : stdout, text);
  return diags.has_errors() ? Status::kFindings : Status::kDone;
}

}  // namespace kb::cli
