// Print formats: what diag/print.h chooses from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.h"
#include "diag/print.h"

namespace kb {

std::string PrintAllText(const std::vector<Diagnostic>& diagnostics, const Sources& sources,
                         const PrintOptions& options);
std::string PrintJson(const std::vector<Diagnostic>& diagnostics, const Sources& sources);
std::string PrintSarif(const std::vector<Diagnostic>& diagnostics, const Sources& sources,
                       const PrintOptions& options);
std::string PrintGithub(const std::vector<Diagnostic>& diagnostics, const Sources& sources);

std::string_view SeverityName(Severity severity);  // "error"

size_t CountOf(const std::vector<Diagnostic>& diagnostics, Severity severity);

}  // namespace kb
