// Fuzz: what the harnesses share. A harness is one function, run by libFuzzer under clang and over
// its corpus by replay_main.cc everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "diag/print.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size);

namespace kb {

inline std::string AsText(const uint8_t* bytes, size_t size) { return {bytes, bytes + size}; }

// Whatever was found can be shown in every format.
inline void PrintEverything(const Diagnostics& diags, const Sources& sources) {
  const std::vector<Diagnostic> sorted = diags.Sorted();
  for (const DiagFormat format :
       {DiagFormat::kText, DiagFormat::kJson, DiagFormat::kSarif, DiagFormat::kGithub}) {
    const std::string shown = Print(sorted, sources, format, {.color = true, .tool_version = "0"});
    KB_CHECK(sorted.empty() || !shown.empty());
  }
}

}  // namespace kb
