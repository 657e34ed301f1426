// Whoever makes one mistake in the reference topology is told so, on the line of the mistake.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "base/files.h"
#include "diag/kinds.h"
#include "diag/print.h"
#include "figures.h"
#include "mutations.h"

namespace kb::test {
namespace {

constexpr size_t kSample = 75;  // of each file, so that the test takes seconds
constexpr uint32_t kSeed = 20251124;
constexpr size_t kFigures = 100;

class MutationTest : public testing::Test {
 protected:
  void SetUp() override {
    CopyTree(KBGEN_SOURCE_DIR "/model", dir_.path() + "/model");
    CopyTree(KBGEN_SOURCE_DIR "/inventory", dir_.path() + "/inventory");
  }

  Verdict Ask() const {
    return Judge({.root = dir_.path(), .topology = "model/topology.yaml", .modules = {}});
  }

  std::string Where(const Mutation& m) const { return dir_.path() + "/" + m.file; }

  // The folder of the topology and ".." stand in some paths.
  bool IsThere(const Verdict& verdict, Span span, const Mutation& m) const {
    if (!span.known()) return false;
    const Place place = verdict.PlaceOf(span);
    const std::string_view name = std::string_view(m.file).substr(m.file.rfind('/') + 1);
    return place.path.ends_with("/" + std::string(name)) && place.line == m.line;
  }

  bool IsFound(const Verdict& verdict, const Mutation& m) const {
    if (m.code == 0 && !verdict.compilation->diags.has_errors()) return false;
    return std::ranges::any_of(verdict.diagnostics, [&](const Diagnostic& d) {
      // The fence of a setting's type may stand before that of a rule.
      const bool meant = m.code == 0 || d.code == m.code || d.code == diag::kWrongValue.code;
      if (d.severity == Severity::kInfo || !meant) return false;
      return IsThere(verdict, d.span, m) || std::ranges::any_of(d.labels, [&](const Label& label) {
               return IsThere(verdict, label.span, m);
             });
    });
  }

  void Try(const Mutation& m) const {
    const std::string original = ReadFile(Where(m)).value_or("");
    ASSERT_NE(m.bytes, original) << m.what;
    ASSERT_TRUE(WriteFileAtomically(Where(m), m.bytes, 0644).has_value());
    const Verdict verdict = Ask();
    ASSERT_TRUE(WriteFileAtomically(Where(m), original, 0644).has_value());
    EXPECT_TRUE(IsFound(verdict, m))
        << m.what << " (" << m.file << ":" << m.line << ", " << CodeName(m.code) << ")\n"
        << verdict.Text(dir_.path());
  }

  TempDir dir_;
};

TEST_F(MutationTest, EveryMistakeIsFoundOnItsLine) {
  const Verdict clean = Ask();
  ASSERT_FALSE(clean.compilation->diags.has_errors()) << clean.Text(dir_.path());
  std::vector<Mutation> mutations = AllMutations(clean, dir_.path());
  ASSERT_GT(mutations.size(), 1000U);
  std::mt19937 random(kSeed);
  // Not std::shuffle: its order differs from library to library.
  for (size_t i = mutations.size(); i > 1; --i)
    std::swap(mutations[i - 1], mutations[random() % i]);
  const bool all = std::getenv("KBGEN_MUTATIONS") != nullptr;

  std::map<std::string, size_t> tried;
  for (const Mutation& m : mutations) {
    if (++tried[m.file] > kSample && !all) continue;
    Try(m);
  }
}

// All of them, each time: the fences are few.
TEST_F(MutationTest, EveryFigureBeyondItsFenceIsReported) {
  const Verdict clean = Ask();
  ASSERT_FALSE(clean.compilation->diags.has_errors()) << clean.Text(dir_.path());
  const std::vector<Mutation> figures = GuardedFigures(clean, dir_.path());
  ASSERT_GT(figures.size(), kFigures);
  for (const Mutation& m : figures) Try(m);
}

}  // namespace
}  // namespace kb::test
