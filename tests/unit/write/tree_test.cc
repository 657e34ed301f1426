#include "write/tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/digest.h"
#include "fake_source.h"
#include "support/process.h"

namespace kb::write {
namespace {

namespace fs = std::filesystem;
using Rows = std::vector<std::string>;

class TreeTest : public testing::Test {
 protected:
  std::string root() const { return dir_.path() + "/made/out"; }
  std::string At(std::string_view path) const { return JoinPath(root(), path); }

  // What changed, one "+", "~" or "-" and the path each; or what went wrong.
  Rows Outcome(const Result<Checked<write::Outcome>>& result) {
    if (!result) return {"error: " + result.error().message};
    if (!*result) return {"reported"};
    Rows rows;
    if ((*result)->fresh) rows.push_back("fresh");
    for (const Change& change : (*result)->changes) {
      rows.push_back(std::string(1, "+~-"[static_cast<int>(change.kind)]) + change.path);
    }
    for (const std::string& path : (*result)->foreign) rows.push_back("?" + path);
    return rows;
  }
  Rows Apply(const FakeSource& source) {
    return Outcome(write::Apply(source, {.root = root(), .threads = 3}, diags_));
  }
  Rows Compare(const FakeSource& source) {
    return Outcome(write::Compare(source, {.root = root(), .threads = 3}, diags_));
  }
  void Put(std::string_view path, std::string_view bytes) {
    ASSERT_TRUE(WriteFileAtomically(At(path), bytes, 0644));
  }
  // Names beside the tree: stages must never stay behind.
  size_t Siblings() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(dir_.path() + "/made"), {}));
  }

  test::TempDir dir_;
  Diagnostics diags_;
};

const FakeSource kTwo = {{"servers/a/x.sh", "#!/bin/bash\n", true}, {"docs/b.md", "b\n"}};

TEST_F(TreeTest, IsMadeWholeWithExactModesWhateverTheUmask) {
  const mode_t old = umask(077);
  EXPECT_EQ(Apply(kTwo), Rows{"fresh"});
  umask(old);
  EXPECT_EQ(Snapshot(root()), (Rows{"docs/b.md - b\n", "servers/a/x.sh x #!/bin/bash\n"}));
  const auto mode = [&](std::string_view path) {
    struct stat status{};
    stat(At(path).c_str(), &status);
    return status.st_mode & 07777;
  };
  EXPECT_EQ(mode("servers/a/x.sh"), 0755u);
  EXPECT_EQ(mode("docs/b.md"), 0644u);
  EXPECT_EQ(mode("MANIFEST.json"), 0644u);
  EXPECT_EQ(mode("servers/a"), 0755u);
  EXPECT_EQ(mode(""), 0755u);
  EXPECT_EQ(Siblings(), 1u);
}

TEST_F(TreeTest, CountsTheManifestAmongItsFiles) {
  for (int round = 0; round < 2; ++round) {
    const auto outcome = write::Apply(kTwo, {.root = root()}, diags_);
    EXPECT_EQ((*outcome)->files, 3u);
    EXPECT_EQ((*outcome)->bytes, 14 + ReadFile(At("MANIFEST.json"))->size());
  }
}

TEST_F(TreeTest, IsInspectedOnceEverythingIsRenderedAndLeftAsItWasWhenThatReports) {
  const FakeSource next = {{"docs/b.md", "other\n"}, {"docs/c.md", "c\n"}};
  Options options = {.root = root()};
  options.inspect = [&](std::span<const Sha256> digests, Diagnostics& diags) {
    EXPECT_EQ(digests.size(), 2u);
    EXPECT_EQ(digests[0], Digest("other\n"));
    EXPECT_EQ(digests[1], Digest("c\n"));
    diags.Emit(diag::kYamlSyntax, {}, "no");
  };
  const auto refused = [&](auto&& run) {
    Diagnostics diags;
    const auto outcome = run(next, options, diags);
    ASSERT_TRUE(outcome.has_value());
    EXPECT_FALSE(outcome->has_value());
    EXPECT_EQ(diags.errors(), 1u);
  };
  refused(write::Compare);
  refused(write::Apply);
  EXPECT_EQ(Siblings(), 0u) << "no tree is made, and nothing is left of the attempt";
  Apply(kTwo);
  const Rows before = Snapshot(root());
  const std::string manifest = *ReadFile(At("MANIFEST.json"));
  refused(write::Compare);
  refused(write::Apply);
  EXPECT_EQ(Snapshot(root()), before);
  EXPECT_EQ(*ReadFile(At("MANIFEST.json")), manifest);

  options.inspect = [](std::span<const Sha256>, Diagnostics&) {};
  Diagnostics diags;
  ASSERT_TRUE(write::Apply(next, options, diags).value().has_value());
  EXPECT_EQ(Snapshot(root()), (Rows{"docs/b.md - other\n", "docs/c.md - c\n"}));
}

TEST_F(TreeTest, IsNotTouchedWhenNothingChanged) {
  Apply(kTwo);
  const auto stamps = [&] {
    std::vector<std::pair<std::string, fs::file_time_type>> all;
    for (const auto& entry : fs::recursive_directory_iterator(root())) {
      all.emplace_back(entry.path(), entry.last_write_time());
    }
    all.emplace_back("", fs::last_write_time(root()));
    return all;
  };
  const auto before = stamps();
  EXPECT_EQ(Apply(kTwo), Rows{});
  EXPECT_EQ(Compare(kTwo), Rows{});
  EXPECT_EQ(stamps(), before);
}

TEST_F(TreeTest, BecomesWhatIsRenderedAndTouchesOnlyWhatDiffers) {
  Apply({{"same", "s\n"}, {"changed", "1\n"}, {"mode", "m\n"}, {"old/deep/gone", "g\n"}});
  struct stat before{};
  stat(At("same").c_str(), &before);
  const FakeSource next = {
      {"same", "s\n"}, {"changed", "2\n"}, {"mode", "m\n", true}, {"new/made", "n\n"}};
  const Rows changes = {"~MANIFEST.json", "~changed", "~mode", "+new/made", "-old/deep/gone"};
  EXPECT_EQ(Compare(next), changes);
  EXPECT_EQ(Apply(next), changes);
  EXPECT_EQ(Snapshot(root()),
            (Rows{"changed - 2\n", "mode x m\n", "new/made - n\n", "same - s\n"}));
  EXPECT_FALSE(fs::exists(At("old"))) << "folders that became empty go";
  EXPECT_FALSE(fs::exists(At(".kbgen-new")));
  struct stat after{};
  stat(At("same").c_str(), &after);
  EXPECT_EQ(before.st_ino, after.st_ino);
  EXPECT_EQ(Apply(next), Rows{});
}

TEST_F(TreeTest, ComparesWithoutWriting) {
  EXPECT_EQ(Compare(kTwo), Rows{"fresh"});
  EXPECT_FALSE(fs::exists(dir_.path() + "/made"));
}

TEST_F(TreeTest, ReportsForeignFilesAndLeavesThemAlone) {
  Apply(kTwo);
  Put("docs/mine.md", "mine\n");
  fs::create_symlink("/etc/passwd", At("link"));
  EXPECT_EQ(Apply(kTwo), (Rows{"?docs/mine.md", "?link"}));
  EXPECT_EQ(Apply({{"servers/a/x.sh", "#!/bin/bash\n", true}}),
            (Rows{"~MANIFEST.json", "-docs/b.md", "?docs/mine.md", "?link"}));
  EXPECT_EQ(*ReadFile(At("docs/mine.md")), "mine\n");
}

TEST_F(TreeTest, DeletesNothingThatAnEditedManifestNames) {
  Apply(kTwo);
  const std::string victim = dir_.Write("victim", "v\n");
  std::string manifest = *ReadFile(At("MANIFEST.json"));
  for (const std::string path :
       {"../victim", "../../victim", victim.c_str(), "./docs/../../victim"}) {
    const std::string line = "    {\"path\": \"" + path + "\", \"sha256\": \"" +
                             std::string(64, '0') + "\", \"mode\": \"0644\"},\n";
    manifest.insert(manifest.find("    {"), line);
  }
  Put("MANIFEST.json", manifest);
  EXPECT_EQ(Apply(kTwo), Rows{"~MANIFEST.json"});
  EXPECT_TRUE(fs::exists(victim));
}

TEST_F(TreeTest, IsNotWrittenAtAllWhenARenderReports) {
  const FakeSource flawed = {{"a", "1\n"}, {"b", "", false, true}, {"c", "", false, true}};
  EXPECT_EQ(Apply(flawed), Rows{"reported"});
  EXPECT_EQ(diags_.errors(), 2u) << "all problems are reported";
  EXPECT_EQ(diags_.all()[0].message, "not YAML: b") << "in the source's order";
  EXPECT_FALSE(fs::exists(root()));
  EXPECT_EQ(Siblings(), 0u);

  diags_ = {};
  Apply({{"a", "0\n"}});
  EXPECT_EQ(Apply(flawed), Rows{"reported"});
  EXPECT_EQ(Snapshot(root()), Rows{"a - 0\n"});
}

TEST_F(TreeTest, ReplacesALinkByTheFileAndNeverWritesThroughIt) {
  Apply(kTwo);
  const std::string victim = dir_.Write("victim", "v\n");
  fs::remove(At("docs/b.md"));
  fs::create_symlink(victim, At("docs/b.md"));
  EXPECT_EQ(Apply(kTwo), Rows{"~docs/b.md"});
  EXPECT_EQ(*ReadFile(victim), "v\n");
  EXPECT_FALSE(fs::is_symlink(At("docs/b.md")));
  EXPECT_EQ(*ReadFile(At("docs/b.md")), "b\n");
}

TEST_F(TreeTest, RefusesALinkWhereAFolderMustBe) {
  Apply(kTwo);
  fs::rename(At("docs"), dir_.path() + "/elsewhere");
  fs::create_symlink(dir_.path() + "/elsewhere", At("docs"));
  const Rows outcome = Apply({{"servers/a/x.sh", "#!/bin/bash\n", true}, {"docs/b.md", "2\n"}});
  EXPECT_EQ(outcome, Rows{"error: `docs` must become a folder, but what stands there is not "
                          "kbgen's: move it away"});
  EXPECT_EQ(*ReadFile(dir_.path() + "/elsewhere/b.md"), "b\n");
}

TEST_F(TreeTest, TurnsOwnFilesIntoFoldersAndOwnFoldersIntoFiles) {
  Apply({{"a", "1\n"}, {"b/c/d", "2\n"}});
  EXPECT_EQ(Apply({{"a/x", "1\n"}, {"b", "2\n"}}),
            (Rows{"~MANIFEST.json", "-a", "+a/x", "~b", "-b/c/d"}));
  EXPECT_EQ(Snapshot(root()), (Rows{"a/x - 1\n", "b - 2\n"}));
}

TEST_F(TreeTest, PutsAFileWhereOnlyEmptyFoldersStand) {
  Apply(kTwo);
  fs::remove(At("docs/b.md"));
  fs::create_directories(At("docs/b.md/empty/too"));
  EXPECT_EQ(Apply(kTwo), Rows{"~docs/b.md"});
}

TEST_F(TreeTest, LetsTheOwnerDecideWhenAForeignFileIsInTheWay) {
  Apply(kTwo);
  Put("k8s", "mine\n");
  Put("lb/rules/mine", "mine\n");
  const Rows before = Snapshot(root());
  EXPECT_EQ(Apply({{"k8s/web.yaml", "x\n"}}),
            Rows{"error: `k8s` must become a folder, but what stands there is not kbgen's: move it "
                 "away"});
  EXPECT_EQ(Apply({{"lb", "x\n"}}), Rows{"error: `lb` must become a file, but `lb/rules/mine` in "
                                         "that folder is not kbgen's: move it away"});
  EXPECT_EQ(Snapshot(root()), before);
}

TEST_F(TreeTest, DoesNotHangOnAPipe) {
  Apply(kTwo);
  fs::remove(At("docs/b.md"));
  ASSERT_EQ(mkfifo(At("docs/b.md").c_str(), 0644), 0);
  EXPECT_EQ(Apply(kTwo), Rows{"~docs/b.md"});
}

TEST_F(TreeTest, IgnoresPermissionsThatGitDoesNotKeep) {
  Apply(kTwo);
  chmod(At("docs/b.md").c_str(), 0664);
  EXPECT_EQ(Apply(kTwo), Rows{});
}

TEST_F(TreeTest, HasOneWriterAtATime) {
  Apply(kTwo);
  const int other = open(root().c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(other, LOCK_EX), 0);
  const Rows refused = {"error: another kbgen is writing `" + root() +
                        "`: wait until it has finished"};
  EXPECT_EQ(Apply(kTwo), refused);
  EXPECT_EQ(Compare(kTwo), Rows{}) << "reading needs no lock";
  close(other);
  EXPECT_EQ(Apply(kTwo), Rows{});
}

TEST_F(TreeTest, RemovesStagesOfDeadRunsButNotOfLiveOnes) {
  const std::string stage = dir_.path() + "/made/.out.kbgen-new-1";
  fs::create_directories(stage + "/servers/a");
  const int alive = open(stage.c_str(), O_RDONLY | O_DIRECTORY);
  ASSERT_EQ(flock(alive, LOCK_EX), 0);
  EXPECT_EQ(Apply(kTwo),
            Rows{"error: another kbgen is writing `" + root() + "`: wait until it has finished"});
  EXPECT_TRUE(fs::exists(stage));
  close(alive);
  EXPECT_EQ(Apply(kTwo), Rows{"fresh"});
  EXPECT_EQ(Siblings(), 1u);
}

TEST_F(TreeTest, FollowsALinkThatTheUserNamesAsTheTree) {
  fs::create_directories(dir_.path() + "/real");
  fs::create_directories(dir_.path() + "/made");
  fs::create_directory_symlink(dir_.path() + "/real", root());
  EXPECT_EQ(Apply(kTwo), (Rows{"+MANIFEST.json", "+docs/b.md", "+servers/a/x.sh"}));
  EXPECT_TRUE(fs::is_symlink(root()));
  EXPECT_TRUE(fs::exists(dir_.path() + "/real/docs/b.md"));
}

TEST_F(TreeTest, NamesWhatCannotBeWritten) {
  dir_.Write("made", "a file\n");
  EXPECT_EQ(Apply(kTwo), Rows{"error: cannot open `" + root() + "`: Not a directory"});
}

class DescribedSource : public FakeSource {
 public:
  using FakeSource::FakeSource;
  Item Describe(size_t i) const override {
    Item item = FakeSource::Describe(i);
    if (i == 0) {
      item.server = "db-01", item.service = "pg", item.module = "postgresql-ha";
      item.step = "install", item.host_path = "/etc/\"x\"", item.owner = "999:999";
      item.host_mode = 0640;
    }
    return item;
  }
};

TEST_F(TreeTest, ListsEveryArtifactInTheManifestInTheOrderOfTheSource) {
  const DescribedSource source = {{"servers/z\t", "abc", true}, {"docs/a", ""}};
  const Options options = {.root = root(), .header = "\"topology\": \"t\","};
  ASSERT_TRUE(write::Apply(source, options, diags_)->has_value());
  const std::string text = *ReadFile(At("MANIFEST.json"));
  EXPECT_EQ(text,
            "{\n  \"topology\": \"t\",\n  \"files\": [\n"
            "    {\"path\": \"servers/z\\u0009\", \"sha256\": "
            "\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\", \"mode\": "
            "\"0755\", \"server\": \"db-01\", \"service\": \"pg\", \"module\": \"postgresql-ha\", "
            "\"step\": \"install\", \"host_path\": \"/etc/\\\"x\\\"\", \"owner\": \"999:999\", "
            "\"host_mode\": \"0640\"},\n"
            "    {\"path\": \"docs/a\", \"sha256\": "
            "\"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\", \"mode\": "
            "\"0644\"}\n  ]\n}\n");
  EXPECT_EQ(nlohmann::json::parse(text)["files"][0]["path"], "servers/z\t");
  EXPECT_EQ(*ManifestText(source, options, diags_), text);
}

TEST_F(TreeTest, KeepsTheManifestOfAnEmptySourceValid) {
  EXPECT_EQ(Apply(FakeSource(std::vector<FakeFile>{})), Rows{"fresh"});
  EXPECT_EQ(nlohmann::json::parse(*ReadFile(At("MANIFEST.json")))["files"].size(), 0u);
}

}  // namespace
}  // namespace kb::write
