#include "diag/kinds.h"

#include <algorithm>
#include <array>

namespace kb::diag {
namespace {

constexpr auto kRows = std::to_array<KindRow>({
#define KB_DIAG(name, code, severity, format, ...) {code, Severity::k##severity, #name, format},
#include "diag/kinds.def"
#undef KB_DIAG
});

// By code, whatever the order of the file: two people who add a row each must not break a search.
constexpr auto kByCode = [] {
  auto rows = kRows;
  std::ranges::sort(rows, {}, &KindRow::code);
  return rows;
}();
static_assert(std::ranges::adjacent_find(kByCode, {}, &KindRow::code) == kByCode.end(),
              "kinds.def gives one code to two kinds");

// Holes and arguments are compared here, when kbgen is compiled: a text that asks for more than its
// kind gives would end the run that shows it.
#define KB_DIAG(name, code, severity, format, ...) \
  [[maybe_unused]] constexpr fmt::format_string<__VA_ARGS__> kText##name = format;
#include "diag/kinds.def"
#undef KB_DIAG

}  // namespace

std::span<const KindRow> AllKinds() { return kByCode; }

const KindRow* FindKind(uint16_t code) {
  const auto row = std::ranges::lower_bound(kByCode, code, {}, &KindRow::code);
  return row != kByCode.end() && row->code == code ? &*row : nullptr;
}

}  // namespace kb::diag
