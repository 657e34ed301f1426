// What the shells and roff make of the completions and the manual page.
#include <string>

#include "cli/app.h"
#include "cli/paint_diff.h"
#include "estate.h"

namespace kb::cli {
namespace {

// What bash offers after these words, the last one being typed.
std::string BashOffers(const std::string& words) {
  const std::string script =
      CompletionScript(BuildApp()->parser, "bash") + "COMP_WORDS=(" + words +
      ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_kbgen\nprintf '%s ' \"${COMPREPLY[@]}\"\n";
  const test::Ran ran = test::Run({"bash", "--norc", "-euo", "pipefail", "-s"}, script);
  EXPECT_EQ(ran.err, "");
  return ran.out;
}

TEST(Completion, OffersInBashWhatMayFollow) {
  struct Case {
    std::string words, offers;
  };
  for (const Case& c :
       {Case{"kbgen sch", "schema "}, Case{"kbgen fre", "freeze "},
        Case{"kbgen thaw --w", "--why "}, Case{"kbgen render --che", "--check "},
        Case{"kbgen check --format s", "sarif "},
        Case{"kbgen dump --stage ''", "model graph plan "}, Case{"kbgen completion f", "fish "},
        Case{"kbgen check -q --color a", "auto always "}}) {
    EXPECT_EQ(BashOffers(c.words), c.offers) << c.words;
  }
}

TEST(Completion, IsReadByItsShell) {
  struct Case {
    std::string shell;
    std::vector<std::string> argv;
  };
  for (const Case& c :
       {Case{"bash", {"bash", "-n"}}, Case{"zsh", {"zsh", "-n"}}, Case{"fish", {"fish", "-n"}}}) {
    if (!test::HasProgram(c.argv[0])) continue;
    test::TempDir dir;
    auto argv = c.argv;
    argv.push_back(dir.Write("script", CompletionScript(BuildApp()->parser, c.shell)));
    const test::Ran ran = test::Run(argv);
    EXPECT_EQ(ran.status, 0) << ran.err;
    EXPECT_EQ(ran.err, "");
  }
  EXPECT_EQ(CompletionScript(BuildApp()->parser, "ksh"), "");
}

TEST(ManualPage, NamesEveryCommandAndOption) {
  const std::string page = ManualPage(BuildApp()->parser);
  for (const CommandText& command : DescribeCommands(BuildApp()->parser)) {
    EXPECT_NE(page.find("\n.SS " + command.name + "\n"), std::string::npos);
    for (const OptionText& option : command.options) {
      EXPECT_FALSE(option.help.empty()) << command.name << " " << option.names;
    }
  }
}

TEST(ManualPage, IsReadByRoffWithoutAWarning) {
  if (!test::HasProgram("groff")) GTEST_SKIP() << "groff is not installed";
  const test::Ran ran =
      test::Run({"groff", "-man", "-ww", "-Tascii"}, ManualPage(BuildApp()->parser));
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.err, "");
}

TEST(PaintDiff, ColoursLinesAndAddsNothingElse) {
  const std::string diff = "diff --git a/f b/f\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-x\n+y\n z";
  EXPECT_EQ(PaintDiff(diff, false), diff);
  EXPECT_EQ(PaintDiff("@@ -1 +1 @@\n-x\n+y\n z", true),
            "\x1b[36m@@ -1 +1 @@\x1b[0m\n\x1b[31m-x\x1b[0m\n\x1b[32m+y\x1b[0m\n z");
}

}  // namespace
}  // namespace kb::cli
