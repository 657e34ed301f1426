// Draft: a compiled template that is not proved yet.
#pragma once

#include <string_view>
#include <vector>

#include "tmpl/template.h"

namespace kb::tmpl {

// A place where ways through the template meet: behind an `if`, at both ends of a loop's body.
struct Meeting {
  enum class Kind : uint8_t { kBranches, kLoop };
  Kind kind = Kind::kBranches;
  uint32_t op = 0;  // the first op after the meeting
  Span statement;
};

// The ops [first, past) that a partial became.
struct Included {
  std::string_view name;
  uint32_t first = 0;
  uint32_t past = 0;
  Span statement;
};

struct Draft {
  Template tmpl;
  std::vector<Meeting> meetings;
  std::vector<Included> partials;
};

// Follows every way through the draft with the language's machine. Gives each hole its context and
// its escaper; reports each that has none, and every place where the ways do not fit together.
void Prove(Draft& draft, Span source, const Sources& sources, Diagnostics& diags);

}  // namespace kb::tmpl
