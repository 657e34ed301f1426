#include "render/parse_back.h"

#include <algorithm>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "render/read_yaml.h"

namespace kb::render {
namespace {

size_t FindBlankAtLineEnd(std::string_view text) {
  for (size_t end = text.find('\n', 1); end != std::string_view::npos;
       end = text.find('\n', end + 1)) {
    if (text[end - 1] == ' ' || text[end - 1] == '\t') return end;
  }
  return std::string_view::npos;
}

// Every artifact comes by here, so it searches as a whole and counts lines only when it must.
std::string BadLine(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.back() != '\n') return "its last line has no end";
  const size_t at = std::min({text.find('\r'), text.find('\0'), FindBlankAtLineEnd(text)});
  if (at == std::string_view::npos) return {};
  const auto line = 1 + std::ranges::count(text.substr(0, at), '\n');
  switch (text[at]) {
    case '\r':
      return fmt::format("line {} holds a carriage return", line);
    case '\0':
      return fmt::format("line {} holds a NUL", line);
    default:
      return fmt::format("line {} ends in a blank", line);
  }
}

}  // namespace

std::string ParseBack(std::string_view text, const lang::Language& language) {
  if (std::string bad = BadLine(text); !bad.empty()) return bad;
  if (language.name == "json" && !nlohmann::json::accept(text)) return "it is not JSON";
  if (language.name == "yaml") return BadYaml(text);
  return {};
}

}  // namespace kb::render
