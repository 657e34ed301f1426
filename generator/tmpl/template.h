// Template: a text with holes, proved at compile time and executed into bytes.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "diag/diagnostic.h"
#include "lang/language.h"
#include "tmpl/type.h"
#include "tmpl/value.h"

namespace kb::tmpl {

// Where a path speaks of a loop and not of its item; no record has that many fields.
inline constexpr uint16_t kLoopIndex = 0xFFFD, kLoopFirst = 0xFFFE, kLoopLast = 0xFFFF;
inline constexpr size_t kLoopsMax = 16;

// One instruction. A template is a flat vector of them; jumps are indices.
struct Op {
  enum class Code : uint8_t { kLiteral, kHole, kIf, kJump, kLoop, kNext };
  Code code;
  uint8_t slot = 0;       // loops: which loop variable
  bool negated = false;   // kIf: `if not`
  lang::Context context;  // kHole: where it stands
  lang::EscapeFn escape = nullptr;
  lang::ValueClass holds = lang::ValueClass::kAtom;  // kHole: what its type promises
  uint32_t target = 0;       // kIf: first op of the else part; kLoop: past the end; kJump
  std::string_view literal;  // kLiteral; kIf with `is`: the choice; kLoop: the separator
  // kHole, kIf, kLoop: field indices; path[0]: 0 scope, n loop n. {n, kLoopIndex…}: loop n itself.
  std::vector<uint16_t> path;
  Span span;  // in the template
};

// A compiled template. Borrows from the Sources that hold its text.
struct Template {
  std::string name;
  const lang::Language* language = nullptr;
  std::vector<Op> ops;
  std::vector<std::string> reads;  // every path it mentions, "settings.ttl", sorted, unique
  size_t literal_bytes = 0;        // a lower bound of the output's size
  // Separators that are written with escapes: what stands in no source. Ops point into them.
  std::vector<std::unique_ptr<const std::string>> separators;
};

// Gives the source of a partial by name ("shell/prelude"), or an unknown span.
using FindPartial = std::function<Span(std::string_view name)>;

// Compiles and proves `source`. Reports every mistake, not only the first: unknown names (with a
// suggestion), type mistakes, holes that the language cannot admit, branches that end in different
// places, loops that do not end where they began, optional values printed without an `if`.
Checked<Template> Compile(Span source, std::string_view name, const lang::Language& language,
                          const Type& scope, const FindPartial& partial, const Sources& sources,
                          Diagnostics& diags);

// What one stretch of output came from; holds until the next segment.
struct Segment {
  uint32_t out_begin = 0;
  Span tmpl;
  Span model;  // unknown for literal text and computed values
};

// Executes into `out` (appended). `scope` is a record of the type that Compile was given. Values
// that cannot be written at their hole are reported at the value, with the hole as a label.
// `trace`, when not null, receives the segments. Thread-safe: nothing is shared but the inputs.
Checked<Done> Execute(const Template& tmpl, const Value& scope, std::string& out,
                      std::vector<Segment>* trace, Diagnostics& diags);

}  // namespace kb::tmpl
