// Trace: from a line of an artifact back to the lines that it was made from.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "diag/source.h"
#include "tmpl/template.h"

namespace kb::cli {

// A stretch of text, without the line end.
struct Stretch {
  size_t begin = 0;
  size_t end = 0;
};

// The line of that number, from 1; nothing when there are fewer.
std::optional<Stretch> FindLine(std::string_view text, uint64_t line);

// One place that a line came from. A line of literal text is named as a whole, a hole and a value
// of the model as what they are.
struct Origin {
  enum class Kind : uint8_t { kLiteral, kHole, kModel } kind;
  Span span;
  friend bool operator==(const Origin&, const Origin&) = default;
};

// Every origin of `line` of `text`, in the order of the text, each once. A literal whose template
// line has a hole that is named too is left out. `segments` is what Render traced.
std::vector<Origin> OriginsOf(std::string_view text, Stretch line,
                              std::span<const tmpl::Segment> segments, const Sources& sources);

}  // namespace kb::cli
