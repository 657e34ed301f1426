#include "diag/print.h"

#include <algorithm>

#include "diag/print_formats.h"

namespace kb {

std::string Print(const std::vector<Diagnostic>& diagnostics, const Sources& sources,
                  DiagFormat format, const PrintOptions& options) {
  switch (format) {
    case DiagFormat::kText:
      return PrintAllText(diagnostics, sources, options);
    case DiagFormat::kJson:
      return PrintJson(diagnostics, sources);
    case DiagFormat::kSarif:
      return PrintSarif(diagnostics, sources, options);
    case DiagFormat::kGithub:
      return PrintGithub(diagnostics, sources);
  }
  return {};
}

std::string CodeName(uint16_t code) { return fmt::format("KB{:04}", code); }

std::string_view SeverityName(Severity severity) {
  switch (severity) {
    case Severity::kInfo:
      return "info";
    case Severity::kWarning:
      return "warning";
    case Severity::kError:
      return "error";
  }
  return {};
}

size_t CountOf(const std::vector<Diagnostic>& diagnostics, Severity severity) {
  return static_cast<size_t>(std::ranges::count(diagnostics, severity, &Diagnostic::severity));
}

}  // namespace kb
