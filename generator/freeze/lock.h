// Lock: freeze.lock, the services that are finished and what each of them renders, and who thawed
// which. docs/TOPOLOGY.md is its manual.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "shape/atoms.h"

namespace kb::freeze {

inline constexpr std::string_view kLockName = "freeze.lock";  // beside the topology

// Who decided something, when and why. All by argument: kbgen reads no clock and no user's name.
struct Decision {
  std::string_view on;  // a date
  std::string_view by;
  std::string_view why;
};
// A name or a reason that a lock can hold: something, on one line, without blanks at its ends.
bool IsRemark(std::string_view text);

// A frozen service.
struct Block {
  Word service;
  Decision frozen;
  std::vector<std::string_view> lines;  // see freeze/line.h; sorted by subject, each once
};

// A service that was frozen once.
struct Thaw {
  Word service;
  Decision thawed;
  Decision frozen;  // what was taken back
};

// What was read borrows from the Sources, what was added from whoever added it.
struct Lock {
  std::string path;
  Word topology;              // whose services these are; empty: there is no lock yet
  std::vector<Block> blocks;  // by service
  std::vector<Thaw> history;  // the last one last

  const Block* Find(std::string_view service) const;
};

// Reads a lock. What is no lock is reported, and what can be read is returned.
Lock Read(Span file, const Sources& sources, Diagnostics& diags);

// Reads the file; one that is not there freezes nothing. An Error: it cannot be opened.
Result<Lock> Load(const std::string& path, Sources& sources, Diagnostics& diags);

// The file's text. Read gives the same lock again.
std::string Print(const Lock& lock);

// "on 2026-03-01 by M. Okafor: validated"
std::string Describe(const Decision& decision);

}  // namespace kb::freeze
