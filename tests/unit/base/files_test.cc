#include "base/files.h"

#include <filesystem>
#include <thread>

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/workers.h"

namespace kb {
namespace {

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "kbgen-files-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  std::string Path(std::string_view relative) const { return JoinPath(root_, relative); }
  void Write(std::string_view relative, std::string_view bytes) const {
    ASSERT_TRUE(WriteFileAtomically(Path(relative), bytes, 0644)) << relative;
  }

  std::string root_;
};

using Names = std::vector<std::string>;

TEST_F(Files, ReadsBackEveryByteThatWasWritten) {
  for (size_t size : {0u, 1u, 4096u, 300'000u}) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7);
    Write("a/b/file", bytes);
    EXPECT_EQ(ReadFile(Path("a/b/file")).value(), bytes);
  }
  EXPECT_EQ(ListTree(root_).value(), Names{"a/b/file"}) << "nothing temporary stays";
}

TEST_F(Files, ReadsWhatHasNoSize) {
  EXPECT_TRUE(ReadFile("/proc/self/status").value().starts_with("Name:"));
  ASSERT_EQ(::mkfifo(Path("pipe").c_str(), 0600), 0);
  const std::string sent(100'000, 'p');
  std::jthread writer([&] {
    std::FILE* pipe = std::fopen(Path("pipe").c_str(), "w");
    std::fwrite(sent.data(), 1, sent.size(), pipe);
    std::fclose(pipe);
  });
  EXPECT_EQ(ReadFile(Path("pipe")).value(), sent);
}

TEST_F(Files, SaysWhichFileCannotBeReadAndWhy) {
  EXPECT_EQ(ReadFile(Path("none")).error().message,
            "cannot read `" + Path("none") + "`: No such file or directory");
  EXPECT_EQ(ReadFile(root_).error().message, "cannot read `" + root_ + "`: Is a directory");
}

TEST_F(Files, SetsTheModeExactlyWhateverTheUmask) {
  const mode_t umask_before = ::umask(077);
  for (uint32_t mode : {0600u, 0644u, 0755u, 0777u, 0400u}) {
    ASSERT_TRUE(WriteFileAtomically(Path("file"), "x", mode));
    struct stat info;
    ASSERT_EQ(::stat(Path("file").c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, mode);
  }
  ::umask(umask_before);
}

TEST_F(Files, ReplacesAFileAsAWhole) {
  Write("file", "old");
  const std::string path = Path("file");
  struct stat before, after;
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  ASSERT_EQ(::link(path.c_str(), Path("other").c_str()), 0);
  Write("file", "new");
  ASSERT_EQ(::stat(path.c_str(), &after), 0);
  EXPECT_NE(before.st_ino, after.st_ino);
  EXPECT_EQ(ReadFile(Path("other")).value(), "old");
}

TEST_F(Files, LeavesNothingBehindWhenItCannotWrite) {
  Write("folder/file", "x");
  const auto written = WriteFileAtomically(Path("folder"), "x", 0644);
  EXPECT_EQ(written.error().message, "cannot write `" + Path("folder") + "`: Is a directory");
  EXPECT_FALSE(WriteFileAtomically(Path("folder/file/below"), "x", 0644));
  EXPECT_EQ(ListTree(root_).value(), Names{"folder/file"});
}

TEST_F(Files, WritesFromManyThreadsIntoDirectoriesThatAreNotThereYet) {
  ForEach(200, 4, [&](size_t i, unsigned) {
    const std::string path = Path("d" + std::to_string(i % 5) + "/e/f" + std::to_string(i));
    EXPECT_TRUE(WriteFileAtomically(path, path, 0644));
  });
  EXPECT_EQ(ListTree(root_).value().size(), 200u);
}

TEST_F(Files, ListsADirectoryBytewiseWithoutDotEntries) {
  for (const char* name : {"b", "B", "é", "a-1", "a/x", ".hidden", "a.b"}) Write(name, "");
  ASSERT_EQ(::symlink("a", Path("link").c_str()), 0);
  EXPECT_EQ(ListDirectory(root_).value(), (Names{"B", "a-1", "a.b", "a/", "b", "link/", "é"}));
  EXPECT_EQ(ListDirectory(Path("none")).error().message,
            "cannot list `" + Path("none") + "`: No such file or directory");
}

TEST_F(Files, ListsEveryRegularFileOfATree) {
  for (const char* name : {"b/c", "a", "b/.k/m", "b-1"}) Write(name, "");
  ASSERT_EQ(::symlink("..", Path("b/loop").c_str()), 0);
  EXPECT_EQ(ListTree(root_).value(), (Names{"a", "b-1", "b/.k/m", "b/c"}));
  EXPECT_FALSE(ListTree(Path("none")));
}

TEST_F(Files, KnowsWhatExists) {
  Write("file", "");
  EXPECT_TRUE(PathExists(Path("file")));
  EXPECT_TRUE(PathExists(root_));
  EXPECT_FALSE(PathExists(Path("none")));
}

TEST(Paths, AreJoinedAsPeopleWriteThem) {
  struct Case {
    std::string_view base, relative, joined;
  };
  for (const Case& c : {
           Case{"model", "versions.yaml", "model/versions.yaml"},
           Case{"model", "../inventory/servers.tsv", "inventory/servers.tsv"},
           Case{"a/b/", "../../c", "c"},
           Case{"a", "../../c", "../c"},
           Case{"..", "../c", "../../c"},
           Case{".", "../c", "./../c"},
           Case{"a", "./b", "a/b"},
           Case{"", "b", "b"},
           Case{"", "../b", "../b"},
           Case{"/", "b", "/b"},
           Case{"/a", "../b", "/b"},
           Case{"a", "/b", "/b"},
       }) {
    EXPECT_EQ(JoinPath(c.base, c.relative), c.joined) << c.base << " " << c.relative;
  }
}

TEST(Paths, HaveADirectory) {
  EXPECT_EQ(DirectoryOf("a/b/c"), "a/b");
  EXPECT_EQ(DirectoryOf("a"), "");
  EXPECT_EQ(DirectoryOf("/a"), "/");
}

}  // namespace
}  // namespace kb
