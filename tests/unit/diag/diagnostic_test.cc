#include "diag/diagnostic.h"

#include <gtest/gtest.h>

#include "diag/kinds.h"

namespace kb {
namespace {

constexpr DiagKind<std::string_view> kBad{9001, Severity::kError, "`{}` is bad"};
constexpr DiagKind<std::string_view> kOdd{9002, Severity::kWarning, "`{}` is odd"};

std::string Messages(const std::vector<Diagnostic>& diagnostics) {
  std::string messages;
  for (const Diagnostic& diagnostic : diagnostics) messages.append(diagnostic.message).append("\n");
  return messages;
}

TEST(Diagnostics, AreSortedByPlaceThenCodeThenDiscovery) {
  Diagnostics diags;
  diags.Emit(kOdd, {9, 10}, "late");
  diags.Emit(kOdd, {3, 4}, "z");
  diags.Emit(kBad, {3, 9}, "second");
  diags.Emit(kBad, {3, 4}, "a");
  diags.Emit(kOdd, {}, "nowhere");
  EXPECT_EQ(Messages(diags.Sorted()),
            "`nowhere` is odd\n`second` is bad\n`a` is bad\n`z` is odd\n`late` is odd\n");
}

TEST(Diagnostics, AreSaidOnceUnlessSomethingDiffers) {
  Diagnostics diags;
  for (int round = 0; round < 2; ++round) {
    diags.Emit(kBad, {3, 4}, {.labels = {{{1, 2}, "one"}}}, "x");
    diags.Emit(kBad, {3, 4}, {.labels = {{{1, 2}, "two"}}}, "x");
    diags.Emit(kBad, {3, 4}, {.help = "help"}, "x");
    diags.Emit(kBad, {3, 5}, "x");
  }
  EXPECT_EQ(diags.all().size(), 8u);
  EXPECT_EQ(diags.Sorted().size(), 4u);
}

TEST(Diagnostics, OnlyErrorsCloseTheGate) {
  Diagnostics diags;
  diags.Emit(kOdd, {}, "x");
  EXPECT_TRUE(diags.Gate());
  diags.Emit(kBad, {}, "x");
  EXPECT_FALSE(diags.Gate());
  EXPECT_EQ(diags.errors(), 1u);
}

TEST(Diagnostics, AppendTakesEverythingOver) {
  Diagnostics diags, other;
  diags.Emit(kBad, {2, 3}, "a");
  other.Emit(kBad, {1, 2}, "b");
  diags.Append(std::move(other));
  EXPECT_EQ(diags.errors(), 2u);
  EXPECT_EQ(Messages(diags.Sorted()), "`b` is bad\n`a` is bad\n");
}

TEST(Kinds, AreFoundByTheirCodeAlone) {
  uint16_t before = 0;
  for (const diag::KindRow& row : diag::AllKinds()) {
    EXPECT_LT(before, row.code);
    EXPECT_EQ(diag::FindKind(row.code), &row);
    before = row.code;
  }
  EXPECT_EQ(diag::FindKind(0), nullptr);
  EXPECT_EQ(diag::FindKind(9999), nullptr);
}

TEST(Kinds, AreWordedAsTheTableSays) {
  for (const diag::KindRow& row : diag::AllKinds()) {
    EXPECT_FALSE(row.format.empty()) << row.name;
    EXPECT_FALSE(row.format.ends_with('.')) << row.name;
    // A capital may begin a name (`URI`, `U+`), never a sentence.
    const bool capital = row.format.size() > 1 &&
                         std::isupper(static_cast<unsigned char>(row.format[0])) &&
                         std::islower(static_cast<unsigned char>(row.format[1]));
    EXPECT_FALSE(capital) << row.name;
  }
}

}  // namespace
}  // namespace kb
