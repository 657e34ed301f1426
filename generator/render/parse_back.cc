#include "render/parse_back.h"

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "syntax/yaml.h"

namespace kb::render {
namespace {

std::string BadLine(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.back() != '\n') return "its last line has no end";
  int line = 1;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' || c == '\0') return fmt::format("line {} holds a {}", line, c == '\r' ? "carriage return" : "NUL");
    if (c != '\n') continue;
    const bool blank = i > 0 && (text[i - 1] == ' ' || text[i - 1] == '\t');
    if (blank) return fmt::format("line {} ends in a blank", line);
    ++line;
  }
  return {};
}

// An independent reading by our own strict YAML stage: what it refuses nobody should have to read.
std::string BadYaml(std::string_view text) {
  Sources sources;
  Diagnostics diags;
  const Span file = sources.AddStatic("rendered", text);
  if (auto document = ParseYaml(file, sources, diags); document && !diags.has_errors()) return {};
  const auto all = diags.Sorted();
  if (all.empty()) return "it is not YAML";
  return fmt::format("line {}: {}", sources.Locate(all.front().span.begin).line, all.front().message);
}

}  // namespace

std::string ParseBack(std::string_view text, const lang::Language& language) {
  if (std::string bad = BadLine(text); !bad.empty()) return bad;
  if (language.name == "json" && !nlohmann::json::accept(text)) return "it is not JSON";
  if (language.name == "yaml") return BadYaml(text);
  return {};
}

}  // namespace kb::render
