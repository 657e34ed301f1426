#include "run/journal.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "base/digest.h"
#include "base/files.h"

namespace kb::run {
namespace {

Record Of(std::string event, std::string run = "r1") {
  return {.time = "2026-11-21T05:00:00Z",
          .run = std::move(run),
          .who = "op@boss",
          .event = std::move(event)};
}

class JournalTest : public testing::Test {
 protected:
  void SetUp() override {
    // Thousands of syncs: in memory, where there is such a folder.
    const std::string memory = "/dev/shm/";
    folder_ = (PathExists(memory) ? memory : testing::TempDir()) + "kbgen-journal-" +
              std::to_string(getpid());
    std::filesystem::remove_all(folder_);
    path_ = folder_ + "/state/journal.jsonl";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Three lines, the last one with every key.
  std::string Written() {
    auto journal = Journal::Open(path_, Of(""));
    EXPECT_TRUE(journal) << journal.error().message;
    EXPECT_TRUE(journal->Append(Of("run-begin")));
    EXPECT_TRUE(journal->Append(Of("step-begin")));
    Record end = Of("step-end");
    end.host = "a";
    end.service = "db";
    end.step = "start \"x\"\n";
    end.tree = "t";
    end.input = "i";
    end.result = "failed";
    end.status = 3;
    end.took = 12;
    EXPECT_TRUE(journal->Append(end));
    return *ReadFile(path_);
  }

  std::string folder_;
  std::string path_;
};

TEST_F(JournalTest, LinesAreAChain) {
  const std::string first =
      R"({"seq":1,"time":"2026-11-21T05:00:00Z","run":"r1","who":"op@boss","event":"run-begin","prev":")" +
      std::string(64, '0') + "\"}";
  const std::string second =
      R"({"seq":2,"time":"2026-11-21T05:00:00Z","run":"r1","who":"op@boss","event":"step-begin","prev":")" +
      Hex(Digest(first)) + "\"}";
  const std::string third =
      R"({"seq":3,"time":"2026-11-21T05:00:00Z","run":"r1","who":"op@boss","event":"step-end","host":"a","service":"db","step":"start \"x\"\n","tree":"t","input":"i","result":"failed","status":3,"took":12,"prev":")" +
      Hex(Digest(second)) + "\"}";
  EXPECT_EQ(Written(), first + "\n" + second + "\n" + third + "\n");
  struct stat status;
  ASSERT_EQ(stat(path_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600U);
}

TEST_F(JournalTest, ACutAtAnyByteLosesTheLastRecordAtMost) {
  const std::string whole = Written();
  for (size_t size = 0; size <= whole.size(); ++size) {
    const std::string_view text = std::string_view(whole).substr(0, size);
    const auto lines = static_cast<size_t>(std::ranges::count(text, '\n'));
    const auto history = ParseJournal(text);
    ASSERT_TRUE(history) << size << ": " << history.error().message;
    EXPECT_EQ(history->records.size(), lines);
    EXPECT_EQ(history->torn, size - (text.rfind('\n') + 1));

    ASSERT_TRUE(WriteFileAtomically(path_, text, 0600));
    auto journal = Journal::Open(path_, Of("", "r2"));
    ASSERT_TRUE(journal) << journal.error().message;
    EXPECT_EQ(journal->was_torn(), history->torn > 0);
    ASSERT_TRUE(journal->Append(Of("run-begin", "r2")));
    const auto after = ParseJournal(*ReadFile(path_));
    ASSERT_TRUE(after) << after.error().message;
    EXPECT_EQ(after->records.size(), lines + 1 + (history->torn > 0 ? 1 : 0));
    if (history->torn > 0) {
      EXPECT_EQ(after->records[lines].event, "torn");
    }
  }
}

TEST_F(JournalTest, AChangeInTheMiddleIsRefusedWithItsLine) {
  const std::string whole = Written();
  for (size_t i = 0; i + 1 < whole.size(); ++i) {
    std::string text = whole;
    text[i] = text[i] == 'x' ? 'y' : 'x';
    // The last line is not vouched for by another one; what can be seen in it is its form.
    if (i > whole.rfind('\n', whole.size() - 2)) break;
    const auto history = ParseJournal(text);
    ASSERT_FALSE(history) << i;
    EXPECT_TRUE(history.error().message.starts_with("line ")) << history.error().message;
  }
  const size_t line = whole.find('\n') + 1;
  EXPECT_EQ(ParseJournal(std::string(whole).erase(0, line)).error().message,
            "line 1: has the number 2: lines are missing");
  std::string changed = whole;
  changed.replace(changed.find("op@boss"), 7, "me@boss");
  EXPECT_EQ(ParseJournal(changed).error().message,
            "line 2: `prev` is not the digest of line 1: one of them was changed");
  ASSERT_TRUE(WriteFileAtomically(path_, changed, 0600));
  EXPECT_FALSE(Journal::Open(path_, Of("")));
  EXPECT_EQ(*ReadFile(path_), changed) << "a broken journal is evidence, and left alone";
}

TEST_F(JournalTest, KnowsTheRunThatWasInterrupted) {
  {
    auto journal = Journal::Open(path_, Of(""));
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->history().interrupted(), std::nullopt);
    ASSERT_TRUE(journal->Append(Of("run-begin")));
    ASSERT_TRUE(journal->Append(Of("run-end")));
    ASSERT_TRUE(journal->Append(Of("run-begin", "r2")));
  }
  EXPECT_EQ(Journal::Open(path_, Of(""))->history().interrupted(), "r2");
  ASSERT_TRUE(Journal::Open(path_, Of(""))->Append(Of("run-end", "r2")));
  EXPECT_EQ(Journal::Open(path_, Of(""))->history().interrupted(), std::nullopt);
}

TEST_F(JournalTest, AFullDiskEndsIt) {
  const std::string whole = Written();
  auto journal = Journal::Open(path_, Of(""));
  ASSERT_TRUE(journal);
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  rlimit limit = before;
  limit.rlim_cur = whole.size() + 10;
  signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto written = journal->Append(Of("run-end"));
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &before), 0);
  EXPECT_FALSE(written);
  EXPECT_EQ(journal->Append(Of("run-end")).error().message,
            "the journal could not be written before");
  EXPECT_EQ(ParseJournal(*ReadFile(path_))->torn, 10U);
  EXPECT_TRUE(Journal::Open(path_, Of(""))->was_torn());
}

TEST_F(JournalTest, WhatIsNoFileIsRefused) {
  const auto journal = Journal::Open("/dev/full", Of(""));
  ASSERT_FALSE(journal);
  EXPECT_EQ(journal.error().message, "the journal `/dev/full` is not a regular file");
}

}  // namespace
}  // namespace kb::run
