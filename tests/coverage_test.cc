// Every diagnostic is explained, and provoked by a case; nothing is explained or expected that is
// not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "diag/kinds.h"
#include "diag/print.h"
#include "diag_case.h"

namespace kb::test {
namespace {

using Names = std::vector<std::string>;

const std::string kRoot = KBGEN_SOURCE_DIR;

std::string PagePath(const diag::KindRow& kind) {
  return fmt::format("{}/docs/diagnostics/{}.md", kRoot, CodeName(kind.code));
}

// Codes that no topology can provoke, each with the reason and the test that does.
const std::map<uint16_t, std::string_view>& Exempt() {
  static const std::map<uint16_t, std::string_view> kExempt{
      {4210, "only `kbgen selfcheck` looks for templates that nothing names: tests/unit/cli"},
      {6007, "owners and modes, which version control does not keep: tests/secrets_test.sh"},
      {6010, "only beside a store: tests/vault_test.py"},
      {6012, "only `kbgen secrets rotate` asks: tests/secrets_test.sh"},
      {6101, "of a tree on disk, not of a topology: tests/unit/bundle"},
      {6102, "of a tree on disk, not of a topology: tests/unit/bundle"},
  };
  return kExempt;
}

// `{}` becomes `…`, as the title of a page has it.
std::string TitleOf(const diag::KindRow& kind) {
  std::string title = fmt::format("# {}: ", CodeName(kind.code));
  for (size_t i = 0; i < kind.format.size(); ++i) {
    if (kind.format[i] != '{') {
      title += kind.format[i];
      continue;
    }
    title += "…";
    i = kind.format.find('}', i);
  }
  return title;
}

TEST(Coverage, EveryCodeHasAPageWithAllItsParts) {
  for (const diag::KindRow& kind : diag::AllKinds()) {
    const std::string page = ReadFile(PagePath(kind)).value_or("");
    ASSERT_NE(page, "") << "write " << PagePath(kind);
    EXPECT_TRUE(page.starts_with(TitleOf(kind) + "\n")) << PagePath(kind) << " must begin:\n"
                                                        << TitleOf(kind);
    size_t at = 0;
    for (std::string_view part :
         {"\n## What was seen\n\n", "\n## Why it matters\n\n", "\n## What to do\n\n",
          "\n## Fails\n\n    ", "\n## Passes\n\n    "}) {
      const size_t found = page.find(part, at);
      EXPECT_NE(found, std::string::npos) << PagePath(kind) << " lacks" << part;
      at = found == std::string::npos ? at : found + part.size();
    }
    const auto lines = std::ranges::count(page, '\n');
    EXPECT_TRUE(lines >= 15 && lines <= 40) << PagePath(kind) << " has " << lines << " lines";
  }
}

TEST(Coverage, EveryPageBelongsToACode) {
  std::set<std::string> known;
  for (const diag::KindRow& kind : diag::AllKinds()) known.insert(CodeName(kind.code) + ".md");
  for (const std::string& page : ListDirectory(kRoot + "/docs/diagnostics").value_or(Names{})) {
    EXPECT_TRUE(known.contains(page)) << page;
  }
}

TEST(Coverage, EveryCodeHasACaseOrAReason) {
  std::set<int> provoked, all;
  for (const Case& c : LoadCases(kRoot + "/tests/diag")) {
    if (!c.passes()) provoked.insert(c.code());
  }
  for (const diag::KindRow& kind : diag::AllKinds()) {
    all.insert(kind.code);
    const bool exempt = Exempt().contains(kind.code);
    EXPECT_TRUE(exempt || provoked.contains(kind.code)) << CodeName(kind.code) << " has no case";
    EXPECT_FALSE(exempt && provoked.contains(kind.code))
        << CodeName(kind.code) << " needs no exemption";
  }
  for (int code : provoked) EXPECT_TRUE(all.contains(code)) << "no such code: " << code;
  for (const auto& [code, reason] : Exempt()) EXPECT_TRUE(all.contains(code)) << reason;
}

TEST(Coverage, EveryGoldenBelongsToACase) {
  std::set<std::string> expected;
  for (const Case& c : LoadCases(kRoot + "/tests/diag")) {
    if (!c.passes()) expected.insert(c.name + ".txt");
  }
  const Names goldens = ListDirectory(kRoot + "/golden/diag").value_or(Names{});
  EXPECT_EQ(std::set<std::string>(goldens.begin(), goldens.end()), expected);
}

TEST(Coverage, CodesAndNamesAreUnique) {
  std::set<uint16_t> codes;
  std::set<std::string_view> names;
  for (const diag::KindRow& kind : diag::AllKinds()) {
    EXPECT_TRUE(codes.insert(kind.code).second) << kind.code;
    EXPECT_TRUE(names.insert(kind.name).second) << kind.name;
    EXPECT_TRUE(kind.code >= 1000 && kind.code < 7000) << kind.code;
  }
}

TEST(Coverage, MessagesKeepTheirTone) {
  for (const diag::KindRow& kind : diag::AllKinds()) {
    const std::string_view text = kind.format;
    // A proper name may begin a message; a sentence may not.
    EXPECT_FALSE(text.size() > 1 && IsUpper(text[0]) && IsLower(text[1]))
        << kind.name << ": " << text;
    EXPECT_FALSE(text.ends_with('.')) << kind.name << ": " << text;
    EXPECT_EQ(std::ranges::count(text, '`') % 2, 0) << kind.name << ": " << text;
    for (std::string_view word : {"invalid", "illegal", "please", "oops", "sorry", "!"}) {
      EXPECT_EQ(text.find(word), std::string_view::npos) << kind.name << ": " << text;
    }
  }
}

}  // namespace
}  // namespace kb::test
