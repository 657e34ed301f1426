// Frozen: a parsed YAML file as a table that a compiler can read, so that what is built into the
// binary is parsed when it is built and not at every start.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "diag/source.h"
#include "syntax/yaml.h"

namespace kb {

// A node in front of its children; the values of a map each behind a scalar that is their key.
// Offsets count from the begin of the file. Text lies in the file or, behind its end, in what was
// decoded.
struct FrozenNode {
  uint8_t kind;
  bool quoted;
  uint32_t children;
  uint32_t span_begin, span_end;
  uint32_t text_begin, text_size;
};

struct Frozen {
  std::vector<FrozenNode> nodes;
  std::string decoded;
};

Frozen Freeze(const Document& document, std::string_view bytes);

// The document that was frozen, as if `file` had been parsed. Borrows `bytes` and `decoded`.
Document Thaw(Span file, std::string_view bytes, std::span<const FrozenNode> nodes,
              std::string_view decoded);

}  // namespace kb
