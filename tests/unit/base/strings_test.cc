#include "base/strings.h"

#include <gtest/gtest.h>

namespace kb {
namespace {

using Views = std::vector<std::string_view>;

TEST(Split, KeepsEmptyPartsAndNeverGivesNone) {
  EXPECT_EQ(Split("a\tb\t\tc", '\t'), (Views{"a", "b", "", "c"}));
  EXPECT_EQ(Split(",", ','), (Views{"", ""}));
  EXPECT_EQ(Split("", ','), (Views{""}));
}

TEST(Join, PutsTheSeparatorBetween) {
  const std::vector<std::string> parts = {"a", "", "c"};
  EXPECT_EQ(Join(parts, ", "), "a, , c");
  EXPECT_EQ(Join({}, ", "), "");
}

TEST(Trim, TakesBlanksFromBothEnds) {
  EXPECT_EQ(Trim("\t a b \r\n"), "a b");
  EXPECT_EQ(Trim(" \n"), "");
  // A no-break space is text.
  EXPECT_EQ(Trim("\u00A0x"), "\u00A0x");
}

TEST(ParseUnsigned, TakesOneSpellingOfEachNumber) {
  struct Case {
    std::string_view text;
    std::optional<uint64_t> value;
  };
  for (const Case& c : {Case{"0", 0}, Case{"5432", 5432}, Case{"18446744073709551615", UINT64_MAX},
                        Case{"18446744073709551616", {}}, Case{"", {}}, Case{"00", {}},
                        Case{"07", {}}, Case{"+1", {}}, Case{"-1", {}}, Case{" 1", {}},
                        Case{"1 ", {}}, Case{"0x10", {}}, Case{"1e3", {}}}) {
    EXPECT_EQ(ParseUnsigned(c.text), c.value) << c.text;
  }
}

TEST(FindInvalidUtf8, FindsTheFirstByteThatIsNot) {
  struct Case {
    std::string_view text;
    size_t at;
  };
  constexpr size_t kNone = std::string_view::npos;
  for (const Case& c : {
           Case{"", kNone},
           Case{"plain text that is longer than a word", kNone},
           Case{"é 日本 \U0001F600 \U0010FFFF \u0080 \u0800", kNone},
           Case{"seven b\xFF", 7},
           Case{"eight by\xFF", 8},
           Case{"a\x80", 1},             // a continuation without a lead
           Case{"\xC0\xAF", 0},          // overlong `/`
           Case{"\xE0\x9F\xBF", 0},      // overlong in three bytes
           Case{"\xF0\x8F\xBF\xBF", 0},  // overlong in four
           Case{"\xED\xA0\x80", 0},      // a surrogate
           Case{"\xF4\x90\x80\x80", 0},  // above U+10FFFF
           Case{"12345678é\xC3", 10},    // cut short
           Case{"\xE6\x97", 0},
           Case{"\xF0\x9F\x98!", 0},
       }) {
    EXPECT_EQ(FindInvalidUtf8(c.text), c.at) << c.text;
  }
}

TEST(FindInvalidUtf8, AgreesWithItselfWhereverTheTextBegins) {
  const std::string bad = "\xE6\x97";
  for (size_t before = 0; before < 20; ++before) {
    EXPECT_EQ(FindInvalidUtf8(std::string(before, 'x') + bad + "more text"), before);
  }
}

TEST(Date, IsADayOfTheCalendar) {
  for (const std::string_view day : {"2026-06-30", "2024-02-29", "2026-12-31", "1999-01-01"}) {
    EXPECT_TRUE(IsDate(day)) << day;
  }
  for (const std::string_view text :
       {"", "2026-06-31", "2026-02-29", "2026-13-01", "2026-00-10", "2026-06-00", "2026-6-30",
        "2026/06/30", "26-06-30", "2026-06-3a", "+026-06-30", "2026-06-30 ", " 2026-06-3"}) {
    EXPECT_FALSE(IsDate(text)) << text;
  }
}

TEST(EditDistance, CountsEditsAndSwapsOfNeighbours) {
  struct Case {
    std::string_view a, b;
    size_t distance;
  };
  for (const Case& c : {Case{"", "", 0}, Case{"", "abc", 3}, Case{"port", "port", 0},
                        Case{"prot", "port", 1}, Case{"prt", "port", 1},
                        Case{"kitten", "sitting", 3}, Case{"ab", "ba", 1}, Case{"ca", "abc", 3}}) {
    EXPECT_EQ(EditDistance(c.a, c.b), c.distance) << c.a << " " << c.b;
    EXPECT_EQ(EditDistance(c.b, c.a), c.distance) << c.b << " " << c.a;
  }
}

TEST(Nearest, GivesWhatWasMeantOrNothing) {
  struct Case {
    std::string_view word;
    Views candidates;
    std::string_view nearest;
  };
  for (const Case& c : {
           Case{"prot", {"host", "port"}, "port"},
           Case{"POOL", {"pole", "pool"}, "pool"},
           Case{"subrol", {"role", "subrole"}, "subrole"},
           Case{"pot", {"port", "post"}, "port"},  // the first of two that are as near
           Case{"name", {"listeners"}, ""},
           Case{"a", {"b"}, ""},
           Case{"x", {"xy"}, "xy"},
           Case{"", {"a"}, ""},
           Case{"word", {}, ""},
       }) {
    EXPECT_EQ(Nearest(c.word, c.candidates), c.nearest) << c.word;
  }
}

}  // namespace
}  // namespace kb
