#include "bundle/unpack.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include <fmt/core.h>

#include "base/files.h"
#include "bundle/make.h"
#include "bundle/process.h"
#include "diag/kinds.h"
#include "diag/print.h"

namespace kb::bundle {
namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

// A small tree with its manifest, a key, and who may sign.
class Bundles : public testing::Test {
 protected:
  void SetUp() override {
    if (!RunWell({.words = {"sh", "-c", "command -v ssh-keygen"}})) GTEST_SKIP() << "no ssh-keygen";
    work_ = testing::TempDir() + fmt::format("kbgen-bundle-{}", getpid());
    fs::remove_all(work_);
    fs::create_directories(work_);
    for (const char* key : {"key", "other"}) {
      ASSERT_TRUE(
          RunWell({.words = {"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", At(key)}}));
    }
    Write("signers", "a@b " + ReadFile(At("key.pub")).value());
    Put("PLAN.json", R"({"topology": "lab", "servers": [], "services": []})");
    Put("modules/01-x/go.sh", "#!/bin/sh\necho on\n", 0755);
  }
  void TearDown() override {
    if (!work_.empty()) fs::remove_all(work_);
  }

  std::string At(const std::string& name) const { return work_ + "/" + name; }
  void Write(const std::string& name, const std::string& bytes, uint32_t mode = 0644) {
    ASSERT_TRUE(WriteFileAtomically(At(name), bytes, mode));
  }
  // Into the tree and its manifest.
  void Put(const std::string& path, const std::string& bytes, uint32_t mode = 0644) {
    Write("tree/" + path, bytes, mode);
    lines_ += fmt::format("{}{{\"path\": \"{}\", \"sha256\": \"{}\", \"mode\": \"{:04o}\"}}",
                          lines_.empty() ? "" : ",", path, Hex(Digest(bytes)), mode);
    Write("tree/MANIFEST.json",
          fmt::format("{{\"kbgen\": 1, \"topology\": \"lab\", \"files\": [{}]}}", lines_));
  }
  Result<Checked<Made>> MakeIt(bool air_gapped = false) {
    return Make({.root = At("tree"),
                 .to = At("b"),
                 .key = At("key"),
                 .serial = 7,
                 .air_gapped = air_gapped,
                 .tool = {"1", std::string(64, '0')},
                 .verify_script = "#!/bin/sh\n"},
                sources_, diags_);
  }
  std::string Said() const {
    std::string text;
    for (const Diagnostic& d : diags_.Sorted()) text += CodeName(d.code) + ": " + d.message + "\n";
    return text;
  }

  std::string work_, lines_;
  Sources sources_;
  Diagnostics diags_;
};

TEST_F(Bundles, AreUnpackedAsTheyWereMade) {
  const auto made = MakeIt();
  ASSERT_TRUE(made.has_value()) << made.error().message;
  ASSERT_TRUE(made->has_value()) << Said();
  const auto bundle = Unpack(At("b"), At("new/"), {.signers = At("signers")});
  ASSERT_TRUE(bundle.has_value()) << bundle.error().message;
  EXPECT_EQ(bundle->folder, At("new"));
  EXPECT_EQ(bundle->topology, "lab");
  EXPECT_EQ(bundle->serial, 7U);
  EXPECT_EQ(bundle->signer, "a@b");
  Names names;
  for (const File& file : bundle->files) {
    names.push_back(file.path);
    const std::string bytes = ReadFile(At("new/" + file.path)).value();
    EXPECT_EQ(Digest(bytes), file.digest) << file.path;
    struct stat status;
    ASSERT_EQ(stat(At("new/" + file.path).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, file.mode) << file.path;
  }
  EXPECT_EQ(ListTree(At("new")).value(), names);
  const Names rendered = ListTree(At("tree")).value();
  for (const std::string& path : rendered) {
    EXPECT_EQ(ReadFile(At("tree/" + path)).value(), ReadFile(At("new/" + path)).value());
  }
}

TEST_F(Bundles, LeaveNothingBehindWhenTheyAreRefused) {
  ASSERT_TRUE(MakeIt().value().has_value());
  Write("signers", "a@b " + ReadFile(At("other.pub")).value());
  const auto before = ListTree(work_).value();
  const auto bundle = Unpack(At("b"), At("new"), {.signers = At("signers")});
  ASSERT_FALSE(bundle.has_value());
  EXPECT_NE(bundle.error().message.find("by a key that is not in"), std::string::npos);
  EXPECT_FALSE(PathExists(At("new")));
  EXPECT_EQ(ListTree(work_).value(), before);
}

TEST_F(Bundles, NeverReplaceAFolder) {
  ASSERT_TRUE(MakeIt().value().has_value());
  fs::create_directory(At("new"));
  const auto bundle = Unpack(At("b"), At("new"), {.signers = At("signers")});
  ASSERT_FALSE(bundle.has_value());
  EXPECT_EQ(bundle.error().message, fmt::format("`{}` is there already", At("new")));
}

TEST_F(Bundles, SayEveryDifferenceOfTheTree) {
  Write("tree/modules/01-x/go.sh", "#!/bin/sh\necho off\n", 0755);
  Write("tree/notes", "x");
  ASSERT_FALSE(MakeIt().value().has_value());
  EXPECT_EQ(Said(),
            "KB6101: `modules/01-x/go.sh` is not what the manifest lists: its bytes are others\n"
            "KB6101: `notes` is not what the manifest lists: the manifest does not list it\n");
  EXPECT_FALSE(PathExists(At("b")));
}

TEST_F(Bundles, RefuseWhatIsLeftOverWhenNothingMayBe) {
  Put("modules/01-x/get.sh", "#!/bin/sh\ndocker pull busybox:1\n", 0755);
  ASSERT_FALSE(MakeIt(true).value().has_value());
  EXPECT_EQ(Said(),
            "KB6102: the image `busybox:1` is needed here, and the bundle does not carry it\n");
  EXPECT_FALSE(PathExists(At("b")));
  diags_ = {};
  const auto made = MakeIt();
  ASSERT_TRUE(made.value().has_value());
  EXPECT_FALSE((*made)->facts.air_gapped);
  ASSERT_EQ((*made)->needs.size(), 1U);
  EXPECT_EQ((*made)->needs[0].what, "busybox:1");
}

}  // namespace
}  // namespace kb::bundle
