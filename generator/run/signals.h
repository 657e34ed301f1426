// Signals: Ctrl-C and its kin as something to read, so that they come between acts and never amid
// one.
#pragma once

#include <signal.h>

#include "write/posix.h"

namespace kb::run {

// SIGINT, SIGTERM and SIGHUP wait to be read as long as this lives; SIGPIPE is ignored, since a
// connection that ended is told by its write.
class Signals {
 public:
  Signals();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int fd() const { return fd_.get(); }
  // The next one that came, 0: none.
  int Take() const;

 private:
  write::Fd fd_;
  sigset_t old_mask_;
  struct sigaction old_pipe_;
};

}  // namespace kb::run
