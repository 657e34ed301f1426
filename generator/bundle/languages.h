// Languages: in which a file is written, as far as it matters for what it fetches: what is a
// comment and what is run.
#pragma once

#include <string_view>

#include "bundle/audit.h"
#include "bundle/commands.h"

namespace kb::bundle {

enum class Language : uint8_t {
  kShell,
  kDockerfile,
  kUnit,    // of systemd
  kProse,   // Markdown: read by people, run by nobody
  kData,    // JSON: everything counts but what is a text for people
  kSql,     // comments begin with --
  kPython,  // as kConfig, but its names fetch as a script does
  kConfig,  // lines, comments begin with # or ;
};

Language LanguageOf(std::string_view path, std::string_view bytes, bool script);

void AuditLanguage(Language language, std::string_view bytes, const Inside& inside,
                   const Report& report);

}  // namespace kb::bundle
