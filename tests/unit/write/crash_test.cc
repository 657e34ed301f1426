// Kills runs at every place and at random times, and lets the next one heal the tree.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <random>
#include <set>
#include <string>
#include <thread>

#include "fake_source.h"
#include "support/process.h"
#include "write/tree.h"

namespace kb::write {
namespace {

constexpr int kFiles = 20;

// Three topologies that share files, add, drop and change some, and turn a file into a folder. Each
// has files that no other one has.
FakeSource Topology(int number) {
  std::vector<FakeFile> files;
  files.push_back({number == 1 ? "switch/inside" : "switch", "s\n"});
  for (int i = 0; i < kFiles; ++i) {
    if (i % 5 == 2 * number || i % 5 == (2 * number + 1) % 5) continue;
    const std::string path = "servers/s" + std::to_string(i / 6) + "/d" + std::to_string(i % 3) +
                             "/f" + std::to_string(i);
    const std::string word = i % 4 == 0 ? "same" : "version " + std::to_string(number);
    std::string bytes;
    for (int line = 0; line < 100; ++line) bytes += word + " of " + path + "\n";
    files.push_back({path, bytes, i % 2 == 0});
  }
  return FakeSource(std::move(files));
}

Options In(const std::string& root) { return {.root = root, .threads = 2}; }

void Apply(const FakeSource& source, const std::string& root) {
  Diagnostics diags;
  const auto outcome = Apply(source, In(root), diags);
  ASSERT_TRUE(outcome.has_value()) << outcome.error().message;
  ASSERT_TRUE(outcome->has_value());
  ASSERT_TRUE((*outcome)->foreign.empty()) << (*outcome)->foreign[0];
}

std::string Expected(const FakeSource& source, const std::string& scratch) {
  std::filesystem::remove_all(scratch);
  Apply(source, scratch);
  return scratch;
}

// The tree is what a run without accidents gives, and nothing is left of the accident.
void ExpectHealed(const std::string& root, const std::string& expected) {
  const auto found = Snapshot(root), wanted = Snapshot(expected);
  const auto [left, right] = std::ranges::mismatch(found, wanted);
  // One file says enough; all of them fill pages.
  ASSERT_TRUE(found == wanted) << (left == found.end() ? "" : left->substr(0, 80)) << " instead of "
                               << (right == wanted.end() ? "" : right->substr(0, 80));
  ASSERT_EQ(*ReadFile(root + "/MANIFEST.json"), *ReadFile(expected + "/MANIFEST.json"));
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
    ASSERT_FALSE(entry.is_directory() && std::filesystem::is_empty(entry)) << entry.path();
  }
  ASSERT_FALSE(std::filesystem::exists(root + "/.kbgen-new"));
}

// Runs in a child that ends itself at its `steps`-th use of the source: while it renders, between
// two files, in the middle of the manifest. Whether it died before it was done.
bool DiesAfter(int steps, FakeSource source, const std::string& root) {
  const pid_t child = fork();
  if (child == 0) {
    std::atomic<int> left = steps;
    source.before_use = [&left] {
      if (--left == 0) _exit(9);
    };
    Diagnostics diags;
    const auto outcome = Apply(source, {.root = root}, diags);
    _exit(outcome && *outcome ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) != 1);
  return WEXITSTATUS(status) == 9;
}

TEST(Crash, AtAnyFileIsHealedByTheNextRunOfAnyTopology) {
  const test::TempDir dir;
  const std::string root = dir.path() + "/out";
  const FakeSource first = Topology(0), second = Topology(1), third = Topology(2);
  const std::string expected = Expected(third, dir.path() + "/expected");
  int deaths = 0;
  for (int step = 1;; ++step) {
    std::filesystem::remove_all(root);
    Apply(first, root);
    const bool died = DiesAfter(step, second, root);
    Apply(third, root);
    ExpectHealed(root, expected);
    if (HasFatalFailure() || !died) break;
    ++deaths;
  }
  EXPECT_GT(deaths, 20);
}

TEST(Crash, OfTwoRunsInARowLeavesNoFileThatNobodyKnows) {
  const test::TempDir dir;
  const std::string root = dir.path() + "/out";
  const FakeSource topologies[] = {Topology(0), Topology(1), Topology(2)};
  const std::string expected = Expected(topologies[2], dir.path() + "/expected");
  // The first makes files that the last complete run did not have, and the second wants the same
  // with other bytes, and dies before it has come to them.
  for (int first = 12; first < 60; first += 4) {
    for (int second = 20; second < 60; second += 3) {
      std::filesystem::remove_all(root);
      Apply(topologies[2], root);
      DiesAfter(first, topologies[0], root);
      DiesAfter(second, topologies[1], root);
      Apply(topologies[2], root);
      ExpectHealed(root, expected);
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Crash, OfAFirstRunLeavesNothingInTheTreesPlace) {
  const test::TempDir dir;
  const std::string root = dir.path() + "/out";
  for (int step = 1; DiesAfter(step, Topology(0), root); ++step) {
    ASSERT_FALSE(std::filesystem::exists(root));
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir.path()), {}), 1)
      << "the last run has cleaned up after the others";
}

// Reads like somebody who knows nothing of kbgen: whatever it finds is one whole version.
class Reader {
 public:
  Reader(std::string root, std::set<std::string> wholes)
      : root_(std::move(root)), wholes_(std::move(wholes)), thread_([this] { Run(); }) {}
  ~Reader() {
    stop_ = true;
    thread_.join();
    EXPECT_EQ(broken_, "");
    EXPECT_GT(reads_, 0);
  }

 private:
  void Run() {
    while (!stop_) {
      for (int i = 0; i < kFiles; ++i) {
        const auto bytes = ReadFile(root_ + "/servers/s" + std::to_string(i / 6) + "/d" +
                                    std::to_string(i % 3) + "/f" + std::to_string(i));
        if (!bytes) continue;
        ++reads_;
        if (!wholes_.contains(*bytes)) broken_ = bytes->substr(0, 60);
      }
    }
  }

  std::string root_;
  std::set<std::string> wholes_;
  std::string broken_;
  int reads_ = 0;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST(Crash, ByKillAtRandomTimesIsHealedAndShowsNobodyHalfAFile) {
  const test::TempDir dir;
  const std::string root = dir.path() + "/out";
  const FakeSource topologies[] = {Topology(0), Topology(1), Topology(2)};
  std::string expected[3];
  std::set<std::string> wholes;
  for (int i = 0; i < 3; ++i) {
    expected[i] = Expected(topologies[i], dir.path() + "/expected" + std::to_string(i));
    for (const FakeFile& file : topologies[i].files()) wholes.insert(file.bytes);
  }
  std::mt19937 random(11);
  int killed = 0;
  Apply(topologies[0], root);
  const Reader reader(root, wholes);
  for (int round = 0; round < 300; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      Diagnostics diags;
      const auto outcome = Apply(topologies[random() % 3], In(root), diags);
      _exit(outcome && *outcome ? 0 : 1);
    }
    random.discard(1);
    usleep(static_cast<useconds_t>(random() % 4000));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    killed += WIFSIGNALED(status) ? 1 : 0;
    if (round % 4 != 0) continue;  // let accidents pile up in between
    const size_t now = random() % 3;
    Apply(topologies[now], root);
    ExpectHealed(root, expected[now]);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(killed, 50);
}

}  // namespace
}  // namespace kb::write
