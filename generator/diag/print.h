// Print: shows diagnostics to a person or to a tool.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.h"

namespace kb {

enum class DiagFormat : uint8_t { kText, kJson, kSarif, kGithub };

struct PrintOptions {
  bool color = false;
  std::string_view tool_version;  // SARIF names the tool that ran
};

// One diagnostic, as rustc prints it: source line, caret, labels, help, the command that explains.
std::string PrintText(const Diagnostic& diagnostic, const Sources& sources,
                      const PrintOptions& options);

// A whole run in one of the formats; text ends with a line that counts errors and warnings.
std::string Print(const std::vector<Diagnostic>& diagnostics, const Sources& sources,
                  DiagFormat format, const PrintOptions& options);

// "KB3004"
std::string CodeName(uint16_t code);

}  // namespace kb
