#include "run/show.h"

#include <gtest/gtest.h>

namespace kb::run {
namespace {

TEST(Show, LeavesNothingThatMovesTheCursor) {
  struct Case {
    std::string_view from, to;
  };
  for (const Case& c : {
           Case{"plain text", "plain text"},
           {"a\tb\rc", "a bc"},
           {"\x1b[31mred\x1b[0m", "red"},
           {"\x1b]0;title\a"
            "after",
            "after"},
           {"\x1b"
            "cgone",
            "gone"},
           {"\x1b[2J\x1b[H"
            "home",
            "home"},
           {"broken \xff\xfe bytes", "broken ?? bytes"},
           {"cut \xe2\x82", "cut ??"},
           {"control \xc2\x9b"
            "31m",
            "control 31m"},
           {"größer ✓", "größer ✓"},
           {"\x1b", ""},
       }) {
    EXPECT_EQ(Printable(c.from), c.to) << c.from;
  }
}

TEST(Show, CutsByColumnsNotByBytes) {
  EXPECT_EQ(Fit("short", 5), "short");
  EXPECT_EQ(Fit("longer", 5), "long…");
  EXPECT_EQ(Fit("größer", 5), "größ…");
  EXPECT_EQ(Fit("日本語", 6), "日本語");
  EXPECT_EQ(Fit("日本語", 5), "日本…");
  EXPECT_EQ(Fit("日本語", 4), "日…");
  EXPECT_EQ(Fit("any", 0), "");
  EXPECT_EQ(Pad("日", 4), "日  ");
  EXPECT_EQ(ColumnsOf("e\xcc\x81"), 1U);
}

TEST(Show, WritesSpansAsPeopleDo) {
  EXPECT_EQ(Span(40), "0.0 s");
  EXPECT_EQ(Span(9'990), "9.9 s");
  EXPECT_EQ(Span(59'000), "59 s");
  EXPECT_EQ(Span(61'000), "1:01");
  EXPECT_EQ(Span(3'723'000), "1:02:03");
}

}  // namespace
}  // namespace kb::run
