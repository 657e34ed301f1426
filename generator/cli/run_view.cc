#include "cli/run_view.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include <fmt/core.h>

#include "base/strings.h"
#include "run/lines.h"
#include "run/terminal.h"

namespace kb::cli {
namespace {

// As a shell reads it back.
std::string Word(std::string_view text) {
  const bool plain = !text.empty() && text.find_first_not_of(
                                          "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                          "0123456789-._/:=,@+%") == std::string_view::npos;
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (char c : text) {
    if (c == '\'')
      quoted += "'\\''";
    else
      quoted += c;
  }
  return quoted + "'";
}

bool CanMoveCursor() {
  const char* terminal = std::getenv("TERM");
  return isatty(STDOUT_FILENO) == 1 && terminal && std::string_view(terminal) != "dumb";
}

}  // namespace

std::unique_ptr<run::Watcher> MakeView(const Options& options, const run::Board& board,
                                       const std::string& title, bool dry) {
  if (options.format == DiagFormat::kJson) {
    return std::make_unique<run::JsonLines>(stdout, board);
  }
  using Detail = run::Lines::Detail;
  if (options.quiet || (dry && !options.verbose)) {
    return std::make_unique<run::Lines>(stderr, board, Detail::kTrouble);
  }
  if (CanMoveCursor() && !options.verbose) {
    const bool color = UsesColor(options.color, STDOUT_FILENO);
    return std::make_unique<run::Terminal>(STDOUT_FILENO, board, title,
                                           color ? run::Paint::kColors : run::Paint::kNone);
  }
  return std::make_unique<run::Lines>(stdout, board,
                                      options.verbose ? Detail::kEverything : Detail::kEnds);
}

std::string CommandLine(const Options& options, const Operation& operation) {
  std::string line = "kbgen " + operation.verb;
  const auto add = [&](std::string_view option, std::string_view value) {
    line += fmt::format(" {} {}", option, Word(value));
  };
  if (options.out != Options().out) add("-o", options.out);
  if (!options.run.limit.empty()) add("--limit", Join(options.run.limit, ","));
  if (!options.run.services.empty()) add("--module", Join(options.run.services, ","));
  if (!options.run.state.empty()) add("--state", options.run.state);
  if (options.run.from_here) line += " --from-here";
  if (options.run.keep_going) line += " --keep-going";
  if (options.jobs > 0) add("--jobs", fmt::format("{}", options.jobs));
  if (options.run.yes) line += " --yes";
  for (const std::string& argument : operation.arguments) line += " " + Word(argument);
  return line;
}

}  // namespace kb::cli
