// Every case of tests/diag/ says what its golden text says, and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "base/files.h"
#include "diag/print.h"
#include "diag_case.h"
#include "estate.h"

namespace kb::test {
namespace {

const std::string kCases = KBGEN_SOURCE_DIR "/tests/diag";
const std::string kGoldens = KBGEN_SOURCE_DIR "/golden/diag";

bool Updating() { return std::getenv("KBGEN_UPDATE") != nullptr; }

// Whether a finding must say what to do: where a name is wrong or a rule is broken, unless its own
// message says so already.
bool WantsAdvice(const Diagnostic& d) {
  static const std::set<int> kSaysItself{2221, 2301, 2302, 3802};
  return d.code >= 2200 && d.code < 4000 && !kSaysItself.contains(d.code);
}

// Codes from 4000 on only templates and artifacts can provoke, from 6000 on only values of secrets.
Depth DepthOf(const Case& c) {
  if (c.code() >= 6000) return Depth::kSecrets;
  return c.code() >= 4000 ? Depth::kRender : Depth::kPlan;
}

Verdict JudgeCopy(const TempDir& dir, Depth depth) {
  return Judge(
      {.root = dir.path(), .topology = "topology.yaml", .modules = "modules", .depth = depth});
}

class DiagCase : public testing::TestWithParam<Case> {};

TEST_P(DiagCase, SaysWhatItsGoldenSays) {
  const Case& c = GetParam();
  const TempDir dir;
  CopyTree(kCases + "/base", dir.path());
  ASSERT_EQ(ApplyEdits(c, dir.path()), "");
  const Verdict verdict = JudgeCopy(dir, DepthOf(c));
  ASSERT_EQ(verdict.failure, "");
  const std::string said = verdict.Text(dir.path());

  bool found = false;
  for (const Diagnostic& d : verdict.diagnostics) {
    found |= d.code == c.code();
    if (d.severity == Severity::kInfo) continue;
    EXPECT_TRUE(d.code == c.code() && !c.passes()) << "also says " << CodeName(d.code) << ":\n"
                                                   << said;
    EXPECT_TRUE(d.span.known()) << said;
    EXPECT_FALSE(WantsAdvice(d) && d.help.empty() && d.labels.empty()) << "no advice:\n" << said;
  }
  if (c.passes()) {
    EXPECT_FALSE(found) << said;
    return;
  }
  EXPECT_TRUE(found) << "does not say " << c.name.substr(0, 6) << ":\n" << said;

  if (HasFailure()) return;  // a golden text of a case that is wrong would hide it
  const std::string golden = JoinPath(kGoldens, c.name + ".txt");
  if (Updating()) {
    ASSERT_TRUE(WriteFileAtomically(golden, said, 0644));
    GTEST_SKIP() << "wrote " << golden;
  }
  EXPECT_EQ(said, ReadFile(golden).value_or("(there is no " + golden + ")"));
}

INSTANTIATE_TEST_SUITE_P(Cases, DiagCase, testing::ValuesIn(LoadCases(kCases)),
                         [](const auto& param) {
                           std::string name = param.param.name;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(DiagBase, IsCleanUpToTheLastArtifact) {
  const TempDir dir;
  CopyTree(kCases + "/base", dir.path());
  const Verdict verdict = JudgeCopy(dir, Depth::kRender);
  EXPECT_EQ(verdict.failure, "");
  EXPECT_EQ(verdict.Text(dir.path()), "");
}

TEST(DiagBase, HasEverySecret) {
  const TempDir dir;
  CopyTree(kCases + "/base", dir.path());
  const Verdict verdict = JudgeCopy(dir, Depth::kSecrets);
  EXPECT_EQ(verdict.failure, "");
  EXPECT_EQ(verdict.Text(dir.path()), "");
}

TEST(DiagCaseFormat, RefusesAnEditWhoseLinesAreNotThereOrNotUnique) {
  struct Row {
    std::string_view edit, mistake;
  };
  for (const Row& row : {Row{"--- a\n-two\n+2\n", ""},
                         {"--- a\n-tw\n+2\n", "does not hold"},
                         {"--- a\n-one\n+1\n", "more than once"},
                         {"--- a\n*two\n", "in front"},
                         {"no edit at all\n", "no edit"}}) {
    const TempDir dir;
    dir.Write("a", "one\ntwo\none\n");
    const std::string mistake = ApplyEdits(ParseCase("KB0000-x", row.edit), dir.path());
    EXPECT_EQ(mistake.empty(), row.mistake.empty()) << row.edit << mistake;
    EXPECT_NE(mistake.find(row.mistake), std::string::npos) << row.edit << mistake;
  }
}

TEST(DiagCaseFormat, ReplacesAppendsCreatesAndWritesBytes) {
  const TempDir dir;
  dir.Write("a", "one\ntwo\n");
  const Case c = ParseCase("KB0000-x", "A story.\n--- a\n-two\n+2\\xFF\n\n+three\n--- b/c\n+new\n");
  ASSERT_EQ(ApplyEdits(c, dir.path()), "");
  EXPECT_EQ(ReadFile(dir.path() + "/a").value_or(""), "one\n2\xFF\nthree\n");
  EXPECT_EQ(ReadFile(dir.path() + "/b/c").value_or(""), "new\n");
}

}  // namespace
}  // namespace kb::test
