#include "bundle/shell_script.h"

#include <gtest/gtest.h>

#include <string>

namespace kb::bundle {
namespace {

// Every command, its words expanded and parted by `|`.
std::string Show(std::string_view text) {
  const ShellScript script(text, 0);
  std::string shown;
  for (const ShellCommand& command : script.commands()) {
    for (const ShellWord& word : command.words) {
      for (const ShellWord& one : script.Expand(word)) shown += one.text + "|";
    }
    shown += "\n";
  }
  return shown;
}

TEST(ShellScript, ReadsCommandsAsAShellDoes) {
  struct Case {
    std::string_view text, shown;
  };
  for (const Case& c : {
           Case{"a b; c && d || e | f & g", "a|b|\nc|\nd|\ne|\nf|\ng|\n"},
           Case{"a 'b c' \"d e\"f g\\ h", "a|b c|d ef|g h|\n"},
           Case{"a \\\n  b # c\n# d\ne#f", "a|b|\ne#f|\n"},
           Case{"x=1 y='2 3' a \"$y\"", "a|2 3|\n"},
           Case{"a \"$(b c)\" d", "b|c|\na|$(b c)|d|\n"},
           Case{"a `b c`", "b|c|\na|`b c`|\n"},
           Case{"a >b 2>&1 <c", "a|b|2|1|c|\n"},
           Case{"cat <<END | a\nb c\nEND\nd", "cat|\na|\nb|c|\nd|\n"},
           Case{"cat <<-'E'\n\tb\n\tE\nd", "cat|\nb|\nd|\n"},
           Case{"if a; then b; fi", "if|a|\nthen|b|\nfi|\n"},
           Case{"a $((1 + 2)) ${b:-c d} e", "a|$((1 + 2))|${b:-c d}|e|\n"},
           Case{"a '", "a||\n"},
           Case{"a \"$(b", "b|\na|$(b|\n"},
       }) {
    EXPECT_EQ(Show(c.text), c.shown) << c.text;
  }
}

TEST(ShellScript, FollowsWhatVariablesAreGiven) {
  struct Case {
    std::string_view text, last;
  };
  for (const Case& c : {
           Case{"a=1\nx $a \"${a}\" '$a' $a.b", "x|1|1|$a|1.b|"},
           Case{"a=(1 '2 3' # no\n 4)\nx \"${a[@]}\"", "x|1|2 3|4|"},
           Case{"a=(1)\na+=(2)\nfor b in \"${a[@]}\" 3; do c+=(\"$b\"); done\nx \"${c[@]}\"",
                "x|1|2|3|"},
           Case{"f() { local a=1; x $a; }", "x|1|"},
           Case{"if b; then a=1; fi; x $a", "x|1|"},
           Case{"declare -r a=1; x $a", "x|1|"},
           Case{"b a=1; x $a", "x|$a|"},
           Case{"a=$b\nb=$a\nx $a", "x|"},  // a circle ends
           Case{"x $unknown", "x|$unknown|"},
       }) {
    const std::string shown = Show(c.text);
    const size_t at = shown.find("x|");
    ASSERT_NE(at, std::string::npos) << shown;
    EXPECT_EQ(shown.substr(at, c.last.size()), c.last) << c.text;
  }
}

TEST(ShellScript, KnowsWhatCallersGiveAFunction) {
  struct Case {
    std::string_view text, last;
  };
  for (const Case& c : {
           Case{"f() { x \"$@\"; }\nf a b\nf c", "x|a|b|\nx|c|\n"},
           Case{"f() {\n local i=$2\n x $i\n}\nwait_for 60 f a b", "x|b|\n"},
           Case{"f() { shift; x \"$@\"; }\nf a b c", "x|b|c|\n"},
           Case{"g() { f b \"$@\"; }\nf() { x \"$@\"; }\ng c", "x|b|c|\n"},
           Case{"f() { f \"$@\"; x $1; }", "x|$1|\n"},
           Case{"f() { { a; }; b; }\nx $1\nf c", "x|$1|\n"},
       }) {
    const ShellScript script(c.text, 0);
    std::string shown;
    for (const ShellCommand& command : script.commands()) {
      for (const auto& words : script.Variants(command)) {
        std::string line;
        for (const ShellWord& word : words) line += word.text + "|";
        const size_t at = line.find("x|");
        if (at != std::string::npos) shown += line.substr(at) + "\n";
      }
    }
    EXPECT_EQ(shown, c.last) << c.text;
  }
}

}  // namespace
}  // namespace kb::bundle
