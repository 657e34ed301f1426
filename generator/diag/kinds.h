// Kinds: every diagnostic that kbgen can give, as constants made from kinds.def.
#pragma once

#include <span>
#include <string_view>

#include "diag/diagnostic.h"

namespace kb::diag {

using Text = std::string_view;
using Int = int64_t;

#define KB_DIAG(name, code, severity, format, ...) \
  inline constexpr DiagKind<__VA_ARGS__> k##name{code, Severity::k##severity, format};
#include "diag/kinds.def"
#undef KB_DIAG

// The table that explain, the coverage test and SARIF walk.
struct KindRow {
  uint16_t code;
  Severity severity;
  std::string_view name;  // "UnknownKey"
  std::string_view format;
};
std::span<const KindRow> AllKinds();
const KindRow* FindKind(uint16_t code);

}  // namespace kb::diag
