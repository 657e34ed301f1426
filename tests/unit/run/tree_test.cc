#include "run/tree.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <map>

#include <fmt/core.h>

#include "base/digest.h"
#include "base/files.h"
#include "sample_plan.h"

namespace kb::run {
namespace {

class TreeTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ = testing::TempDir() + "kbgen-tree-" + std::to_string(getpid());
    std::filesystem::remove_all(root_);
    files_ = {{"PLAN.json", SamplePlan()},
              {"lib/host.sh", "host"},
              {"images/db/Dockerfile", "FROM scratch"},
              {"modules/04-db/accounts.sh", "accounts"}};
    for (const char* server : {"a", "b", "c"}) {
      const std::string folder = fmt::format("servers/{}/", server);
      files_[folder + "02-os/packages.sh"] = "packages";
      files_[folder + "02-os/sshd.sh"] = "sshd";
      files_[folder + "04-db/start.sh"] = "start";
      files_[folder + "04-db/gate.sh"] = "gate";
      files_[folder + "04-db/etc/db.conf"] = fmt::format("of {}", server);
    }
    Write();
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void Write() {
    std::string rows;
    for (const auto& [path, bytes] : files_) {
      const bool script = path.ends_with(".sh");
      ASSERT_TRUE(WriteFileAtomically(root_ + "/" + path, bytes, script ? 0755 : 0644));
      rows +=
          fmt::format("{}\n    {{\"path\": \"{}\", \"sha256\": \"{}\", \"mode\": \"{}\"}}",
                      rows.empty() ? "" : ",", path, Hex(Digest(bytes)), script ? "0755" : "0644");
    }
    manifest_ = fmt::format("{{\n  \"files\": [{}\n  ]\n}}\n", rows);
    ASSERT_TRUE(WriteFileAtomically(root_ + "/MANIFEST.json", manifest_, 0644));
  }
  std::string Refusal() {
    const auto tree = ReadTree(root_, 2);
    if (tree) return "fine";
    const std::string& message = tree.error().message;
    const size_t at = message.find("rendered: ");
    return at == std::string::npos ? message : message.substr(at + 10);
  }
  std::string Path(const std::string& path) { return root_ + "/" + path; }

  std::string root_;
  std::string manifest_;
  std::map<std::string, std::string> files_;
};

TEST_F(TreeTest, IsKnownByItsManifest) {
  const auto tree = ReadTree(root_, 2);
  ASSERT_TRUE(tree) << tree.error().message;
  EXPECT_EQ(tree->id, Hex(Digest(manifest_)));
  EXPECT_EQ(tree->files.size(), files_.size());
  EXPECT_EQ(tree->plan.services.size(), 2U);
}

TEST_F(TreeTest, WhateverWasChangedIsRefused) {
  const std::string file = Path("servers/a/04-db/start.sh");
  const std::string bytes = files_["servers/a/04-db/start.sh"];
  const std::string name = "servers/a/04-db/start.sh";

  ASSERT_TRUE(WriteFileAtomically(file, "stars", 0755));
  EXPECT_EQ(Refusal(), name + " has other contents");
  ASSERT_TRUE(WriteFileAtomically(file, bytes, 0644));
  EXPECT_EQ(Refusal(), name + " is not executable");
  ASSERT_TRUE(WriteFileAtomically(file, bytes, 04755));
  EXPECT_EQ(Refusal(), name + " has a set-id or sticky bit");
  std::filesystem::remove(file);
  EXPECT_EQ(Refusal(), name + " is missing");
  std::filesystem::create_symlink(Path("servers/b/04-db/start.sh"), file);
  EXPECT_EQ(Refusal(), name + " is behind a link");
  std::filesystem::remove(file);
  std::filesystem::create_directory(file);
  EXPECT_EQ(Refusal(), name + " is not a regular file");
  std::filesystem::remove(file);
  ASSERT_EQ(mkfifo(file.c_str(), 0755), 0);
  EXPECT_EQ(Refusal(), name + " is not a regular file");
  std::filesystem::remove(file);
  ASSERT_TRUE(WriteFileAtomically(file, bytes, 0755));
  EXPECT_EQ(Refusal(), "fine");

  ASSERT_TRUE(WriteFileAtomically(Path("lib/.more"), "", 0644));
  EXPECT_EQ(Refusal(), "lib/.more is not in the manifest");
  std::filesystem::remove(Path("lib/.more"));
  std::filesystem::create_symlink("lib", Path("link"));
  EXPECT_EQ(Refusal(), "link is not in the manifest");
  std::filesystem::remove(Path("link"));
  std::filesystem::rename(Path("lib"), Path("elsewhere"));
  std::filesystem::create_symlink("elsewhere", Path("lib"));
  EXPECT_EQ(Refusal(),
            "elsewhere/host.sh is not in the manifest; lib is not in the manifest; lib/host.sh is "
            "behind a link");
}

TEST_F(TreeTest, AManifestThatLeadsElsewhereIsRefused) {
  for (const char* path : {"../x", "/x", "a//b", "", ".", "a/../b"}) {
    std::string text = manifest_;
    text.replace(text.find("lib/host.sh"), 11, path);
    ASSERT_TRUE(WriteFileAtomically(Path("MANIFEST.json"), text, 0644));
    EXPECT_TRUE(Refusal().ends_with(fmt::format("`{}` is no path", path))) << Refusal();
  }
}

TEST_F(TreeTest, AStepWithoutItsScriptIsRefused) {
  files_.erase("modules/04-db/accounts.sh");
  std::filesystem::remove(Path("modules/04-db/accounts.sh"));
  Write();
  EXPECT_TRUE(Refusal().ends_with("names modules/04-db/accounts.sh, which the tree does not have"));
}

TEST_F(TreeTest, WhatIsChangedAfterReadingIsNotShipped) {
  const auto tree = ReadTree(root_, 1);
  ASSERT_TRUE(tree);
  EXPECT_EQ(*ReadVerified(*tree, tree->files[1]), "FROM scratch");
  ASSERT_TRUE(WriteFileAtomically(Path("images/db/Dockerfile"), "FROM other", 0644));
  EXPECT_FALSE(ReadVerified(*tree, tree->files[1]));
}

std::string Line(std::string_view mode, std::string_view bytes, std::string_view path) {
  return fmt::format("{} {}  {}\n", mode, Hex(Digest(bytes)), path);
}

TEST_F(TreeTest, GenerationsAndInputsAreDigestsOfSortedLines) {
  const auto tree = ReadTree(root_, 1);
  ASSERT_TRUE(tree);
  const std::string lib = Line("0755", "host", "lib/host.sh");
  const std::string image = Line("0644", "FROM scratch", "images/db/Dockerfile");
  const std::string conf = Line("0644", "of b", "04-db/etc/db.conf");
  const std::string start = Line("0755", "start", "04-db/start.sh");
  EXPECT_EQ(GenerationOf(*tree, 1),
            Hex(Digest(Line("0755", "packages", "02-os/packages.sh") +
                       Line("0755", "sshd", "02-os/sshd.sh") + conf +
                       Line("0755", "gate", "04-db/gate.sh") + start + image + lib)));
  EXPECT_EQ(InputOf(*tree, 2, 1), Hex(Digest(conf + start + image + lib)));
  EXPECT_EQ(InputOf(*tree, 3, 3),
            Hex(Digest(lib + Line("0755", "accounts", "modules/04-db/accounts.sh"))));
  const Expected expected = ExpectedOf(*tree);
  EXPECT_EQ(expected.generations[1], GenerationOf(*tree, 1));
  EXPECT_EQ(expected.inputs[2][1], InputOf(*tree, 2, 1));
  EXPECT_NE(expected.inputs[2][0], expected.inputs[2][1]);
}

}  // namespace
}  // namespace kb::run
