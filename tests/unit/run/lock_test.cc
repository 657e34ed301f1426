#include "run/lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <optional>

#include "base/strings.h"

namespace kb::run {
namespace {

class LockTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "kbgen-lock-" + std::to_string(getpid());
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/lock";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string folder_;
  std::string path_;
};

// Of a process that has ended.
std::string DeadId() {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const std::string id = ProcessId().value_or("");
    _exit(write(ends[1], id.data(), id.size()) < 0 ? 1 : 0);
  }
  char text[256];
  const ssize_t size = read(ends[0], text, sizeof text);
  waitpid(child, nullptr, 0);
  close(ends[0]);
  close(ends[1]);
  return std::string(text, static_cast<size_t>(std::max<ssize_t>(size, 0)));
}

TEST_F(LockTest, IsHeldByOneAndGivenBack) {
  {
    const auto lock = RunLock::Take(path_);
    ASSERT_TRUE(lock) << lock.error().message;
    EXPECT_EQ(std::filesystem::read_symlink(path_), *ProcessId());
    const auto second = RunLock::Take(path_);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().message, "another run goes on: process " + std::to_string(getpid()) +
                                          " holds `" + path_ + "`");
  }
  EXPECT_FALSE(std::filesystem::is_symlink(path_));
  EXPECT_TRUE(RunLock::Take(path_));
}

TEST_F(LockTest, OfADeadProcessIsTakenOver) {
  const std::string other_boot = std::to_string(getpid()) + ".1.0000-11";
  const std::string own = *ProcessId();
  const auto parts = Split(own, '.');
  const std::string other_start = std::to_string(getpid()) + ".1." + std::string(parts[2]);
  for (const std::string& dead : {DeadId(), other_boot, other_start}) {
    EXPECT_FALSE(IsAlive(dead)) << dead;
    std::filesystem::create_symlink(dead, path_);
    EXPECT_TRUE(RunLock::Take(path_));
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
  }
}

TEST_F(LockTest, OfAnotherFormIsRespected) {
  std::filesystem::create_symlink("somebody", path_);
  EXPECT_FALSE(RunLock::Take(path_));
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(RunLock::Take(path_));
}

TEST_F(LockTest, ATakeoverThatDiedIsLeftToPeople) {
  const std::string dead = DeadId();
  std::filesystem::create_symlink(dead, path_);
  std::filesystem::create_symlink(DeadId(), path_ + ".over." + dead);
  const auto lock = RunLock::Take(path_);
  ASSERT_FALSE(lock);
  EXPECT_TRUE(lock.error().message.ends_with("by hand")) << lock.error().message;
}

TEST_F(LockTest, ManyTakeADeadOneOverAndOneHoldsIt) {
  constexpr int kRuns = 8;
  std::filesystem::create_symlink(DeadId(), path_);
  int ends[2];
  int go[2];
  ASSERT_EQ(pipe(ends), 0);
  ASSERT_EQ(pipe(go), 0);
  for (int i = 0; i < kRuns; ++i) {
    if (fork() != 0) continue;
    close(go[1]);
    close(ends[0]);
    std::optional<RunLock> held;
    if (auto lock = RunLock::Take(path_)) held = std::move(*lock);
    const char word = held ? 'y' : 'n';
    if (write(ends[1], &word, 1) < 0) _exit(1);
    char end;
    // Holds it until all have tried.
    _exit(read(go[0], &end, 1) < 0 ? 1 : 0);
  }
  int holders = 0;
  for (int i = 0; i < kRuns; ++i) {
    char word = '?';
    ASSERT_EQ(read(ends[0], &word, 1), 1);
    holders += word == 'y' ? 1 : 0;
  }
  for (int end : {ends[0], ends[1], go[0], go[1]}) close(end);
  while (wait(nullptr) > 0) {
  }
  EXPECT_EQ(holders, 1);
}

}  // namespace
}  // namespace kb::run
