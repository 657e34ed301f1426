// Estate: a topology on the disk that a test may spoil, and what kbgen says about it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/compile.h"
#include "support/process.h"

namespace kb::test {

// How far a run goes. Templates are compiled, and everything is rendered, only on demand. Secrets
// are looked at instead: those in `credentials/` beside the topology.
enum class Depth : uint8_t { kPlan, kRender, kSecrets };

struct Verdict {
  std::unique_ptr<Compilation> compilation;  // owns what the diagnostics point into
  std::vector<Diagnostic> diagnostics;       // sorted
  std::string failure;                       // of the environment; empty: none

  Place PlaceOf(Span span) const { return compilation->sources.Locate(span.begin); }
  // As the command line shows it, with paths relative to `root`.
  std::string Text(const std::string& root) const;
};

struct Question {
  std::string root;      // every path below is relative to it
  std::string topology;  // "model/topology.yaml"
  std::string modules;   // a folder for --modules, or empty
  Depth depth = Depth::kPlan;
};

Verdict Judge(const Question& question);

// Copies every file below `from` into `to`.
void CopyTree(const std::string& from, const std::string& to);

}  // namespace kb::test
