#include <algorithm>

#include "diag/print_formats.h"

namespace kb {
namespace {

// The escapes of the workflow commands' own library (actions/toolkit, command.ts).
std::string Escape(std::string_view text, std::string_view special) {
  std::string escaped;
  for (char c : text) {
    if (special.contains(c))
      escaped += fmt::format("%{:02X}", static_cast<uint8_t>(c));
    else
      escaped += c;
  }
  return escaped;
}
std::string EscapeData(std::string_view text) { return Escape(text, "%\r\n"); }
std::string EscapeProperty(std::string_view text) { return Escape(text, "%\r\n:,"); }

std::string_view CommandOf(Severity severity) {
  return severity == Severity::kInfo ? "notice" : SeverityName(severity);
}

std::string PropertiesOf(Span span, const Sources& sources) {
  if (!span.known()) return {};
  const Place begin = sources.Locate(span.begin);
  const Place end = sources.Locate(span.end);
  std::string properties = fmt::format("file={},line={},", EscapeProperty(begin.path), begin.line);
  // Columns are read for a single line only, and the end column belongs to what is marked.
  if (begin.line != end.line) return properties + fmt::format("endLine={},", end.line);
  return properties +
         fmt::format("col={},endColumn={},", begin.column, std::max(begin.column, end.column - 1));
}

std::string MessageOf(const Diagnostic& diagnostic, const Sources& sources) {
  std::string message = diagnostic.message;
  for (const Label& label : diagnostic.labels) {
    message.append("\n").append(label.message);
    if (!label.span.known()) continue;
    const Place place = sources.Locate(label.span.begin);
    message += fmt::format(": {}:{}:{}", place.path, place.line, place.column);
  }
  if (!diagnostic.source.empty()) message.append("\nrule: ").append(diagnostic.source);
  if (!diagnostic.help.empty()) message.append("\nhelp: ").append(diagnostic.help);
  return message;
}

}  // namespace

std::string PrintGithub(const std::vector<Diagnostic>& diagnostics, const Sources& sources) {
  std::string out;
  for (const Diagnostic& diagnostic : diagnostics) {
    out += fmt::format("::{} {}title={}::{}\n", CommandOf(diagnostic.severity),
                       PropertiesOf(diagnostic.span, sources), CodeName(diagnostic.code),
                       EscapeData(MessageOf(diagnostic, sources)));
  }
  return out;
}

}  // namespace kb
