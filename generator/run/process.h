// Process: a child with pipes, for a loop that never waits for one of them.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "write/posix.h"

namespace kb::run {

// What a read gave: bytes were appended, there are none yet, or there will be none any more.
enum class Flow : uint8_t { kMore, kLater, kEnded };

// A running child, leader of a group of its own: a Ctrl-C on the terminal is for the runner alone,
// which decides what happens to its children. All pipes are non-blocking and close on exec. One
// that is destroyed is left alone: what it runs on another server shall be finished.
class Process {
 public:
  enum class Errors : uint8_t { kOwnPipe, kWithOutput };

  struct Start {
    std::vector<std::string> argv;         // argv[0] is looked up in PATH
    std::vector<std::string> environment;  // "NAME=value", added to the runner's own
    Errors errors = Errors::kOwnPipe;      // where its stderr goes
  };
  static Result<Process> Begin(const Start& start);

  pid_t pid() const { return pid_; }
  int in() const { return in_.get(); }  // negative: closed
  int out() const { return out_.get(); }
  int err() const { return err_.get(); }
  // Readable when the child has ended. A daemon that it left behind may hold the pipes open for
  // ever, so their end is no sign.
  int ended() const { return ended_.get(); }

  void CloseIn() { in_.Close(); }
  // Appends what is there, at most a few pipes full; closes the pipe at its end.
  Flow ReadOut(std::string& to) { return Read(out_, to); }
  Flow ReadErr(std::string& to) { return Read(err_, to); }
  // Writes what fits and gives how much that was; nullopt: the other end is gone.
  std::optional<size_t> Write(std::string_view bytes) const;

  // Its status once it has ended: the exit status, or 128 and the signal's number.
  std::optional<int> Status();
  // To the child and everything that it started.
  void Signal(int number) const;

 private:
  static Flow Read(write::Fd& fd, std::string& to);

  pid_t pid_ = -1;
  write::Fd in_, out_, err_, ended_;
  std::optional<int> status_;
};

}  // namespace kb::run
