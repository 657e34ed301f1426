#include "cli/paint_diff.h"

namespace kb::cli {
namespace {

std::string_view ColorOf(std::string_view line) {
  for (const std::string_view head : {"diff ", "--- ", "+++ "}) {
    if (line.starts_with(head)) return "\x1b[1m";
  }
  switch (line.empty() ? ' ' : line.front()) {
    case '+':
      return "\x1b[32m";
    case '-':
      return "\x1b[31m";
    case '@':
      return "\x1b[36m";
    default:
      return "";
  }
}

}  // namespace

std::string PaintDiff(std::string_view diff, bool color) {
  if (!color) return std::string(diff);
  std::string out;
  while (!diff.empty()) {
    const size_t end = std::min(diff.find('\n'), diff.size());
    const std::string_view line = diff.substr(0, end);
    const std::string_view paint = ColorOf(line);
    out.append(paint).append(line).append(paint.empty() ? "" : "\x1b[0m");
    if (end < diff.size()) out += '\n';
    diff.remove_prefix(std::min(end + 1, diff.size()));
  }
  return out;
}

}  // namespace kb::cli
