#include "write/replace.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <random>

#include "base/files.h"
#include "support/process.h"

namespace kb::write {
namespace {

Result<void> Replace(const std::string& path, std::string_view bytes) {
  KB_TRY(folder, HoldFile(path));
  return ReplaceFile(folder, path, bytes);
}

size_t FilesIn(const std::string& folder) {
  return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

TEST(Replace, MakesTheFileAndExchangesIt) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/lock";
  const mode_t old = umask(077);
  ASSERT_TRUE(Replace(path, "one"));
  ASSERT_TRUE(Replace(path, "two"));
  umask(old);
  EXPECT_EQ(*ReadFile(path), "two");
  struct stat status{};
  ASSERT_EQ(stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0644u) << "whatever the umask";
  EXPECT_EQ(FilesIn(dir.path()), 1u);
}

TEST(Replace, KeepsASecondRunOut) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/lock";
  {
    const auto held = HoldFile(path);
    ASSERT_TRUE(held.has_value());
    const auto second = HoldFile(path);
    ASSERT_FALSE(second.has_value());
    EXPECT_NE(second.error().message.find("another kbgen is writing"), std::string::npos);
  }
  EXPECT_TRUE(HoldFile(path).has_value()) << "the first one is done";
  EXPECT_FALSE(HoldFile(dir.path() + "/nowhere/lock").has_value());
}

TEST(Replace, LeavesTheOldFileWhenTheNewOneCannotBeWritten) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/lock";
  ASSERT_TRUE(Replace(path, "old"));
  const pid_t child = fork();
  if (child == 0) {
    // As a full disk is: the write comes back short.
    signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    _exit(Replace(path, std::string(100'000, 'x')) ? 1 : 0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "it says that it failed";
  EXPECT_EQ(*ReadFile(path), "old");
  EXPECT_EQ(FilesIn(dir.path()), 1u);
}

TEST(Replace, ShowsNobodyHalfAFileWhenItIsKilled) {
  const test::TempDir dir;
  const std::string path = dir.path() + "/lock";
  const std::string old(300'000, 'o'), next(400'000, 'n');
  ASSERT_TRUE(Replace(path, old));
  std::mt19937 random(7);
  int killed = 0;
  for (int round = 0; round < 200; ++round) {
    const pid_t child = fork();
    if (child == 0) _exit(Replace(path, round % 2 == 0 ? next : old) ? 0 : 1);
    usleep(static_cast<useconds_t>(random() % 2000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    killed += WIFSIGNALED(status) ? 1 : 0;
    const std::string now = *ReadFile(path);
    ASSERT_TRUE(now == old || now == next) << now.size();
  }
  EXPECT_GT(killed, 20);
  ASSERT_TRUE(Replace(path, next));
  EXPECT_EQ(*ReadFile(path), next);
  EXPECT_EQ(FilesIn(dir.path()), 1u) << "what the dead left is used up";
}

}  // namespace
}  // namespace kb::write
