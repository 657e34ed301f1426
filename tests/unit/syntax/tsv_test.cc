#include "syntax/tsv.h"

#include <span>

#include <gtest/gtest.h>

#include "diag/print.h"

namespace kb {
namespace {

// Rows as `a|b`, and a line for each diagnostic.
std::string Parse(std::string_view text) {
  Sources sources;
  sources.Add("before.tsv", "x");
  Diagnostics diags;
  const Span file = sources.Add("t.tsv", std::string(text));
  const auto tsv = ParseTsv(file, sources, diags);
  std::string out;
  const auto add_row = [&](std::span<const Cell> cells) {
    for (const Cell& cell : cells) {
      EXPECT_EQ(sources.Text(cell.span), cell.text);
      EXPECT_EQ(sources.SpanOf(file, cell.text), cell.span);
      out.append(cell.text).append("|");
    }
    out.back() = '\n';
  };
  if (tsv) {
    add_row(tsv->header);
    for (size_t row = 0; row < tsv->rows(); ++row) {
      add_row(std::span(tsv->cells).subspan(row * tsv->columns(), tsv->columns()));
    }
  } else {
    out = "nothing\n";
  }
  for (const Diagnostic& diagnostic : diags.Sorted()) {
    const Place place = sources.Locate(diagnostic.span.begin);
    out += fmt::format("{}:{} <{}> {} {}; {}\n", place.line, place.column,
                       sources.Text(diagnostic.span), CodeName(diagnostic.code), diagnostic.message,
                       diagnostic.help);
  }
  return out;
}

struct Case {
  std::string_view text, expected;
};

TEST(Tsv, ReadsCellsAsTheyStand) {
  for (const Case& c : {
           Case{"a\tb\n1\t2\n3\t4\n", "a|b\n1|2\n3|4\n"},
           Case{"a\tb\n1\t2", "a|b\n1|2\n"},
           Case{"a\tb\n\té \n\t\n", "a|b\n|é \n|\n"},
           Case{"a\n1\n\n\n", "a\n1\n"},
           Case{"a\tb\n", "a|b\n"},
           Case{"a\t\"b\n'1'\t\\t\n", "a|\"b\n'1'|\\t\n"},
       }) {
    EXPECT_EQ(Parse(c.text), c.expected) << c.text;
  }
}

TEST(Tsv, ReportsEveryProblemAtItsCellAndKeepsTheOtherRows) {
  for (const Case& c : {
           Case{"a\tb\tc\n1\t2\n1\t2\t3\t4\t5\n6\t7\t8\n9\n",
                "a|b|c\n6|7|8\n"
                "2:4 <> KB1020 expected 3 cells as in the header, found 2; the cell of `c` is "
                "missing\n"
                "3:7 <4\t5> KB1020 expected 3 cells as in the header, found 5; \n"
                "5:2 <> KB1020 expected 3 cells as in the header, found 1; the cell of `b` is "
                "missing\n"},
           Case{"\na\n1\n\n  \n2\n\n3\n\n",
                "a\n1\n2\n3\n"
                "1:1 <> KB1021 a blank line stands between rows; \n"
                "4:1 <> KB1021 a blank line stands between rows; \n"
                "7:1 <> KB1021 a blank line stands between rows; \n"},
           Case{"a\tb\r\n1\t2\r\n",
                "a|b\n1|2\n"
                "1:4 <\r> KB1003 the line ends in a carriage return; save the file with line feeds "
                "alone\n"
                "2:4 <\r> KB1003 the line ends in a carriage return; save the file with line feeds "
                "alone\n"},
           Case{"a\tb\n1\t\xFF\xFF\n\x1B\t2\n",
                "a|b\n1|\xFF\xFF\n\x1B|2\n"
                "2:3 <\xFF> KB1001 this byte is not UTF-8; \n"
                "3:1 <\x1B> KB1004 the control character U+001B is not read; \n"},
       }) {
    EXPECT_EQ(Parse(c.text), c.expected) << c.text;
  }
}

TEST(Tsv, NeedsAHeader) {
  for (std::string_view text : {"", "\n", "  \n\n"}) {
    EXPECT_EQ(Parse(text), "nothing\n1:1 <> KB1022 the table has no header; \n");
  }
}

TEST(Tsv, DoesNotBuryTheRestBelowOneProblemOfEveryLine) {
  std::string text = "a\tb\r\n";
  for (int i = 0; i < 48; ++i) text += "1\t2\r\n";
  Sources sources;
  Diagnostics diags;
  const auto tsv = ParseTsv(sources.Add("t.tsv", text), sources, diags);
  EXPECT_EQ(tsv->rows(), 48u);
  EXPECT_EQ(diags.all().size(), 10u);
  EXPECT_EQ(diags.all().back().help, "39 more lines have it; save the file with line feeds alone");
}

// What a person sees: the caret stands below the cell although tabs and wide letters come first.
TEST(Tsv, IsShownWithTheCaretBelowTheCell) {
  Sources sources;
  Diagnostics diags;
  const Span file = sources.Add("servers.tsv", "ip\tname\n10.0.0.1\tné\tsurplus\n");
  ASSERT_TRUE(ParseTsv(file, sources, diags));
  EXPECT_EQ(PrintText(diags.all()[0], sources, {}),
            "error[KB1020]: expected 2 cells as in the header, found 3\n"
            " --> servers.tsv:2:13\n"
            "  |\n"
            "2 | 10.0.0.1    né    surplus\n"
            "  |                   ^^^^^^^\n"
            "  = explain: kbgen explain KB1020\n");
}

}  // namespace
}  // namespace kb
