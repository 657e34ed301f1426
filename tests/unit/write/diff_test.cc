#include "write/diff.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <random>
#include <string>

#include "base/files.h"
#include "support/process.h"
#include "write/myers.h"

namespace kb::write {
namespace {

std::string Lines(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

TEST(UnifiedDiff, OfEqualTextsIsEmpty) {
  EXPECT_EQ(UnifiedDiff("", "", "a", "b"), "");
  EXPECT_EQ(UnifiedDiff("x\n", "x\n", "a", "b"), "");
}

TEST(UnifiedDiff, ShowsThreeLinesAroundEachChangeAndJoinsNeighbours) {
  std::string after = Lines(1, 20);
  after.replace(after.find("line 5\n"), 7, "LINE 5\n");
  after.erase(after.find("line 9\n"), 7);
  after.insert(after.find("line 18\n"), "new\n");
  EXPECT_EQ(
      UnifiedDiff(Lines(1, 20), after, "a/f", "b/f"),
      "--- a/f\n+++ b/f\n"
      "@@ -2,11 +2,10 @@\n line 2\n line 3\n line 4\n-line 5\n+LINE 5\n line 6\n line 7\n"
      " line 8\n-line 9\n line 10\n line 11\n line 12\n"
      "@@ -15,6 +14,7 @@\n line 15\n line 16\n line 17\n+new\n line 18\n line 19\n line 20\n");
}

TEST(UnifiedDiff, MarksAMissingFinalNewlineOnTheSideThatMissesIt) {
  EXPECT_EQ(UnifiedDiff("a\nb", "a\nb\n", "x", "y"),
            "--- x\n+++ y\n@@ -1,2 +1,2 @@\n a\n-b\n\\ No newline at end of file\n+b\n");
}

TEST(UnifiedDiff, CountsAnEmptySideFromZero) {
  EXPECT_EQ(UnifiedDiff("", "a\n", "x", "y"), "--- x\n+++ y\n@@ -0,0 +1 @@\n+a\n");
  EXPECT_EQ(UnifiedDiff("a\n", "", "x", "y"), "--- x\n+++ y\n@@ -1 +0,0 @@\n-a\n");
}

TEST(UnifiedDiff, DoesNotPrintBinaries) {
  EXPECT_EQ(UnifiedDiff(std::string("a\0b", 3), "", "x", "y"), "Binary files x and y differ\n");
}

TEST(UnifiedDiff, OfTextsWithNothingInCommonStaysQuick) {
  std::string before;
  std::string after;
  for (int i = 0; i < 60000; ++i) {
    before += "b" + std::to_string(i) + "\n";
    after += "a" + std::to_string(i) + "\n";
  }
  EXPECT_EQ(UnifiedDiff(before, after, "x", "y").substr(0, 35),
            "--- x\n+++ y\n@@ -1,60000 +1,60000 @@");
}

TEST(GitDiff, SaysWhatTheLinesCannot) {
  struct Case {
    FileState before, after;
    std::string_view text;
  };
  const FileState none;
  const Case cases[] = {
      {none,
       {true, true, "x\n"},
       "diff --git a/p b/p\nnew file mode 100755\n--- /dev/null\n+++ b/p\n@@ -0,0 +1 @@\n+x\n"},
      {none, {true, false, ""}, "diff --git a/p b/p\nnew file mode 100644\n"},
      {{true, false, "x\n"},
       none,
       "diff --git a/p b/p\ndeleted file mode 100644\n--- a/p\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"},
      {{true, false, "x\n"},
       {true, true, "x\n"},
       "diff --git a/p b/p\nold mode 100644\nnew mode 100755\n"},
      {{true, true, "x\n"}, {true, true, "x\n"}, ""},
  };
  for (const Case& c : cases) EXPECT_EQ(GitDiff("p", c.before, c.after), c.text);
}

// Few different lines, so that repeats and moves are common; sometimes no final newline.
std::string RandomText(std::mt19937& random) {
  std::string text;
  for (auto i = random() % 30; i > 0; --i) text += std::string(1, "abcde"[random() % 5]) + "\n";
  if (!text.empty() && random() % 3 == 0) text.pop_back();
  return text;
}

std::string Mutated(std::string text, std::mt19937& random) {
  for (auto i = random() % 4; i > 0; --i) {
    const size_t at = text.empty() ? 0 : random() % text.size();
    if (random() % 2 == 0) {
      text.insert(at, random() % 2 == 0 ? "x\n" : "y");
    } else {
      text.erase(at, random() % 5);
    }
  }
  return text;
}

TEST(UnifiedDiff, IsWhatPatchTurnsOneTextIntoTheOtherWith) {
  if (!test::HasProgram("patch")) GTEST_SKIP() << "patch is not installed";
  const test::TempDir dir;
  std::mt19937 random(7);
  for (int round = 0; round < 300; ++round) {
    const std::string before = RandomText(random);
    const std::string after = round % 2 == 0 ? RandomText(random) : Mutated(before, random);
    if (before == after) continue;
    const std::string file = dir.Write("f", before);
    const std::string diff = UnifiedDiff(before, after, "a/f", "b/f");
    const test::Ran ran = test::Run({"patch", "--silent", "--force", "--fuzz=0", file}, diff);
    ASSERT_EQ(ran.status, 0) << before << "\n=>\n" << after << "\n" << diff << ran.out;
    // patch removes a file that it emptied.
    ASSERT_EQ(PathExists(file) ? *ReadFile(file) : "", after) << diff;
    ASSERT_EQ(ran.out, "") << diff;
  }
}

TEST(DiffTrees, IsWhatGitTurnsOneTreeIntoTheOtherWith) {
  if (!test::HasProgram("git")) GTEST_SKIP() << "git is not installed";
  const test::TempDir dir;
  const auto write = [&](std::string_view path, std::string_view bytes, uint32_t mode = 0644) {
    ASSERT_TRUE(WriteFileAtomically(JoinPath(dir.path(), path), bytes, mode));
  };
  write("before/same", "s\n"), write("after/same", "s\n");
  write("before/d/changed", Lines(1, 9)), write("after/d/changed", Lines(3, 9) + "end");
  write("before/gone", "g\n");
  write("before/gone empty", "");
  write("after/new one", "n\n", 0755), write("after/empty", "");
  write("before/mode", "m\n"), write("after/mode", "m\n", 0755);
  write("before/sp ace \"q\"", "1\n"), write("after/sp ace \"q\"", "2\n");

  std::string diff;
  const auto diffs = DiffTrees(dir.path() + "/before", dir.path() + "/after");
  for (const FileDiff& file : *diffs) diff += file.text;
  const std::string before = dir.path() + "/before";
  const test::Ran ran = test::Run({"git", "-C", before, "apply", "--verbose", "-"}, diff);
  EXPECT_EQ(ran.status, 0) << ran.err << diff;
  const auto left = DiffTrees(before, dir.path() + "/after");
  for (const FileDiff& file : *left) ADD_FAILURE() << file.text;
}

TEST(DiffTrees, OfAFolderThatIsNotThereIsAnError) {
  EXPECT_FALSE(DiffTrees("/nowhere/a", "/nowhere/b").has_value());
}

// The length of the longest common subsequence, by the textbook's table.
size_t LongestCommon(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  std::vector<std::vector<size_t>> best(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = 0; i < a.size(); ++i) {
    for (size_t j = 0; j < b.size(); ++j) {
      best[i + 1][j + 1] = a[i] == b[j] ? best[i][j] + 1 : std::max(best[i][j + 1], best[i + 1][j]);
    }
  }
  return best[a.size()][b.size()];
}

TEST(CommonItems, AreAsManyAsThereCanBeAndReallyCommon) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    std::vector<uint32_t> before(random() % 12);
    std::vector<uint32_t> after(random() % 12);
    for (uint32_t& item : before) item = static_cast<uint32_t>(random() % 4);
    for (uint32_t& item : after) item = static_cast<uint32_t>(random() % 4);
    size_t common = 0;
    uint32_t before_at = 0;
    uint32_t after_at = 0;
    for (const Match& match : CommonItems(before, after, 100)) {
      ASSERT_GE(match.before, before_at);
      ASSERT_GE(match.after, after_at);
      before_at = match.before + match.size;
      after_at = match.after + match.size;
      common += match.size;
      for (uint32_t i = 0; i < match.size; ++i) {
        ASSERT_EQ(before[match.before + i], after[match.after + i]);
      }
    }
    ASSERT_LE(before_at, before.size());
    ASSERT_LE(after_at, after.size());
    ASSERT_EQ(common, LongestCommon(before, after));
  }
}

TEST(NewLines, AreThoseThatTheDiffMarksWithAPlus) {
  using Lines = std::vector<uint32_t>;
  EXPECT_EQ(NewLines("a\nb\nc\n", "a\nb\nc\n"), Lines{});
  EXPECT_EQ(NewLines("a\nb\nc\n", "a\nx\nc\ny\n"), (Lines{2, 4}));
  EXPECT_EQ(NewLines("a\nb\nc\n", "a\nc\n"), Lines{}) << "what is gone has no line";
  EXPECT_EQ(NewLines("", "a\nb\n"), (Lines{1, 2}));
  EXPECT_EQ(NewLines("a", "a\n"), Lines{1}) << "a line end is part of its line";
}

}  // namespace
}  // namespace kb::write
