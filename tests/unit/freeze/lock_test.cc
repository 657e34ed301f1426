#include "freeze/lock.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "base/files.h"
#include "diag/print.h"
#include "freeze/line.h"
#include "support/process.h"

namespace kb::freeze {
namespace {

const std::string kDigest(64, 'a');

Lock TwoServices() {
  static const std::string file =
      "file " + kDigest + " 0640 999:999 servers/db-01/07-db/etc/my.cnf";
  static const std::string doc = "file " + kDigest + " 0644 - docs/09-web/README.md";
  return {.path = "freeze.lock",
          .topology = {"tidewater", {}},
          .blocks = {{.service = {"db", {}},
                      .frozen = {"2026-03-01", "M. Okafor", "accepted: in the lab, twice"},
                      .lines = {"server db-01", "step apply 1 apply rolling members -", file}},
                     {.service = {"web", {}},
                      .frozen = {"2026-03-02", "Ré Chen", "done"},
                      .lines = {"server web-01", doc}}},
          .history = {{.service = {"cache", {}},
                       .thawed = {"2026-02-03", "R. Chen", "more memory"},
                       .frozen = {"2026-01-01", "M. Okafor", "done"}}}};
}

struct Loaded {
  Sources sources;
  Diagnostics diags;
  Lock lock;
  std::string said;
};

std::unique_ptr<Loaded> Read(std::string_view text) {
  auto loaded = std::make_unique<Loaded>();
  const Span file = loaded->sources.Add("freeze.lock", std::string(text));
  loaded->lock = freeze::Read(file, loaded->sources, loaded->diags);
  loaded->said = Print(loaded->diags.Sorted(), loaded->sources, DiagFormat::kText, {});
  return loaded;
}

TEST(Lock, IsReadAsItWasWritten) {
  const std::string text = Print(TwoServices());
  const auto loaded = Read(text);
  EXPECT_EQ(loaded->said, "");
  EXPECT_EQ(Print(loaded->lock), text);
  ASSERT_NE(loaded->lock.Find("web"), nullptr);
  EXPECT_EQ(Describe(loaded->lock.Find("web")->frozen), "on 2026-03-02 by Ré Chen: done");
  EXPECT_EQ(loaded->lock.Find("cache"), nullptr) << "it was thawed";
}

TEST(Lock, ThatIsNotThereFreezesNothing) {
  Sources sources;
  Diagnostics diags;
  const auto lock = Load("/nonexistent/freeze.lock", sources, diags);
  ASSERT_TRUE(lock.has_value());
  EXPECT_TRUE(lock->blocks.empty());
  EXPECT_TRUE(diags.all().empty());
}

TEST(Lock, ThatCannotBeOpenedIsNoAbsence) {
  const test::TempDir dir;
  Sources sources;
  Diagnostics diags;
  std::filesystem::create_symlink("nowhere", dir.path() + "/link");
  EXPECT_FALSE(Load(dir.path() + "/link", sources, diags).has_value());
  std::filesystem::create_directory(dir.path() + "/folder");
  EXPECT_FALSE(Load(dir.path() + "/folder", sources, diags).has_value());
}

TEST(Lock, HasBlocksInAnyOrderAfterAMerge) {
  Lock lock = TwoServices();
  std::swap(lock.blocks[0], lock.blocks[1]);
  const auto loaded = Read(Print(lock));
  EXPECT_EQ(loaded->said, "");
  EXPECT_EQ(Print(loaded->lock), Print(TwoServices()));
}

// Whoever edits a digest, a server or a reason is noticed, whatever the edit.
TEST(Lock, ToleratesNoOtherByteInABlock) {
  const std::string text = Print(TwoServices());
  const size_t begin = text.find("service db"), end = text.find("\nthawed");
  for (size_t i = begin; i < end; ++i) {
    const bool between =
        text[i] == '\n' && (i + 1 == end || text[i - 1] == '\n' || text[i + 1] == '\n');
    if (between) continue;
    std::string edited = text;
    edited[i] = text[i] == 'b' ? 'c' : 'b';
    EXPECT_TRUE(Read(edited)->diags.has_errors()) << "byte " << i << " of\n" << edited;
    edited = text;
    edited.erase(i, 1);
    EXPECT_TRUE(Read(edited)->diags.has_errors()) << "without byte " << i << " of\n" << text;
  }
}

TEST(Lock, IsRefusedWhenItEndsWithinABlock) {
  const std::string text = Print(TwoServices());
  size_t whole = 0;
  for (size_t size = 0; size < text.size(); ++size) {
    const auto loaded = Read(std::string_view(text).substr(0, size));
    if (loaded->diags.has_errors()) continue;
    ++whole;
    const std::string_view rest = std::string_view(text).substr(size);
    EXPECT_TRUE(rest.starts_with("\n") || rest.starts_with("service ") ||
                rest.starts_with("thawed "))
        << "cut before: " << rest;
  }
  EXPECT_GT(whole, 0u);
}

TEST(Lock, NamesTheFirstMistakeOfEachBlock) {
  std::string text = Print(TwoServices());
  text.replace(text.find("2026-03-01"), 10, "yesterday.");
  text.replace(text.find("server web-01"), 13, "served web-01");
  const auto loaded = Read(text);
  ASSERT_EQ(loaded->diags.errors(), 2u) << loaded->said;
  EXPECT_NE(loaded->said.find("freeze.lock:7:6"), std::string::npos) << loaded->said;
  EXPECT_NE(loaded->said.find("`server`, `step`, `file` or `seal`"), std::string::npos);
}

TEST(Lock, SaysWhereItIsNoLock) {
  struct Case {
    std::string_view text, said;
  };
  for (const Case& c : {Case{"", "expected `kbgen 1`"},
                        {"kbgen 2\n", "expected `kbgen 1`"},
                        {"kbgen 1\n", "expected `topology`"},
                        {"kbgen 1\ntopology A B\n", "expected `topology`"},
                        {"kbgen 1\ntopology a\n# mine\n", "expected `service` or `thawed`"},
                        {"kbgen 1\ntopology a\nservice b\n  on 2026-01-01\n  by  x\n", "`by`"},
                        {"kbgen 1\ntopology a\nthawed b\n  on 2026-01-01\n  by x\n  why y\n",
                         "expected `frozen on`"},
                        {"kbgen 1\r\ntopology a\r\n", "carriage return"},
                        {"\xEF\xBB\xBFkbgen 1\n", "byte order mark"}}) {
    const auto loaded = Read(c.text);
    EXPECT_TRUE(loaded->diags.has_errors()) << c.text;
    EXPECT_NE(loaded->said.find(c.said), std::string::npos) << c.text << loaded->said;
    for (const Diagnostic& d : loaded->diags.all()) EXPECT_TRUE(d.span.known()) << c.text;
  }
}

TEST(Remark, IsOneLineOfText) {
  for (const std::string_view good : {"x", "M. Okafor <m@example.org>", "längere Begründung: ja"}) {
    EXPECT_TRUE(IsRemark(good)) << good;
  }
  for (const std::string_view bad : {"", " ", " x", "x ", "a\nb", "a\tb", "a\x1B[2Jb", "\xFF"}) {
    EXPECT_FALSE(IsRemark(bad)) << bad;
  }
}

TEST(Line, HoldsAnyPathInOneWord) {
  for (const std::string path : {"a/b", "a b/%41/\x7F", "line\nfeed", "-", "été/x"}) {
    const std::string line =
        FileLine({.path = path, .sha256 = kDigest, .owner = "0:0", .mode = 0600, .host_path = ""});
    EXPECT_EQ(NameOf(line), path);
    EXPECT_FALSE(MistakeIn(line).has_value()) << line;
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

TEST(Line, SaysWhereAFileLandsWhenItsPathDoesNot) {
  FileFacts facts{.path = "servers/a/07-db/etc/x",
                  .sha256 = kDigest,
                  .owner = "",
                  .mode = 0644,
                  .host_path = "/etc/x"};
  EXPECT_TRUE(FileLine(facts).ends_with(" 0644 - servers/a/07-db/etc/x")) << FileLine(facts);
  facts.host_path = "/opt/x";
  EXPECT_TRUE(FileLine(facts).ends_with(" servers/a/07-db/etc/x /opt/x")) << FileLine(facts);
}

TEST(Line, TellsWhatChanged) {
  const std::string other(64, 'b');
  const std::string was = "file " + kDigest + " 0640 0:0 a/b";
  struct Case {
    std::string now, how;
  };
  for (const Case& c :
       {Case{"file " + other + " 0640 0:0 a/b", "content"},
        {"file " + kDigest + " 0600 0:0 a/b", "mode 0640 → 0600"},
        {"file " + other + " 0640 9:9 a/b", "content, owner 0:0 → 9:9"},
        {"file " + kDigest + " 0640 0:0 a/b /x", "lands at where its path says → /x"}}) {
    EXPECT_EQ(DescribeChange(was, c.now), c.how);
  }
  EXPECT_EQ(DescribeChange("step a 1 apply rolling members -", "step a 2 apply parallel members b"),
            "place 1 → 2, strategy rolling → parallel, after - → b");
}

TEST(Line, SortsServersBeforeStepsBeforeFiles) {
  const std::string file = "file " + kDigest + " 0640 0:0 a";
  EXPECT_LT(SubjectOf("server z"), SubjectOf("step a 1 apply rolling members -"));
  EXPECT_LT(SubjectOf("step z 1 apply rolling members -"), SubjectOf(file));
  EXPECT_EQ(SubjectOf(file), SubjectOf("file " + std::string(64, 'b') + " 0600 9:9 a /b"));
}

}  // namespace
}  // namespace kb::freeze
