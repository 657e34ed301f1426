#include "run/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace kb::run {

Signals::Signals() {
  sigset_t waited;
  sigemptyset(&waited);
  for (int number : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&waited, number);
  pthread_sigmask(SIG_BLOCK, &waited, &old_mask_);
  fd_ = write::Fd(signalfd(-1, &waited, SFD_CLOEXEC | SFD_NONBLOCK));
  struct sigaction ignore = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, &old_pipe_);
}

Signals::~Signals() {
  sigaction(SIGPIPE, &old_pipe_, nullptr);
  // What nobody has read any more must not end the process now.
  while (Take() != 0) {
  }
  pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

int Signals::Take() const {
  signalfd_siginfo info = {};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return 0;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace kb::run
