// Journal: who ran what, when, with which tree and result. One JSON object a line, each with the
// digest of the line before it, every line on the disk before the act that it announces.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "run/events.h"

namespace kb::run {

inline constexpr std::string_view kJournalName = "journal.jsonl";

// Keys in this order, no blanks outside of values; empty texts and unset numbers are left out.
struct Record {
  uint64_t seq = 0;   // 1, 2, ...; set by Append
  std::string time;   // "2026-11-21T05:00:00Z"
  std::string run;    // id of the run
  std::string who;    // "user@host"
  std::string event;  // run-begin ship step-begin step-end gate run-end torn
  std::string host;   // names, not indices: a journal outlives plans
  std::string service;
  std::string step;
  std::string tree;
  std::string input;
  std::string result;  // ok failed skipped lost
  std::optional<int> status;
  std::optional<uint64_t> took;  // seconds
  std::string prev;  // sha256 in hex of the line before, without its newline; set by Append
};

std::string LineOf(const Record& record);  // without newline
// Refuses what LineOf cannot have written: unknown keys, another order or type.
Result<Record> ParseRecord(std::string_view line);

struct History {
  std::vector<Record> records;
  std::string last;  // digest of the last line; 64 zeros when there is none
  size_t whole = 0;  // bytes up to the last newline
  size_t torn = 0;   // bytes behind it: a crash in the middle of a write
  // The run whose run-begin has no run-end, if it is the last one.
  std::optional<std::string> interrupted() const;
};

// Verifies all of it: numbers without a gap, each line's prev, each line's form. The error names
// the line. Never an error: half a line at the end.
Result<History> ParseJournal(std::string_view text);

// Open for writing. Whoever opens it holds the lock of the run (lock.h).
class Journal {
 public:
  // Makes it (0600) with its folder when there is none, verifies it, cuts a torn line off and
  // appends a record `torn` for it, with `time`, `run` and `who` of `now`.
  static Result<Journal> Open(const std::string& path, const Record& now);

  Journal(Journal&&) noexcept;
  Journal& operator=(Journal&&) noexcept;
  ~Journal();

  // Returns when the line is on the disk. After an error nothing more is accepted: the run must
  // stop, since acts could no longer be told.
  Result<void> Append(Record record);

  // What was there when it was opened.
  const History& history() const { return history_; }
  bool was_torn() const { return was_torn_; }

 private:
  Journal(int fd, History history);

  int fd_ = -1;
  History history_;
  uint64_t seq_ = 0;
  std::string last_;
  bool was_torn_ = false;
  bool broken_ = false;
};

}  // namespace kb::run
