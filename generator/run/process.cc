#include "run/process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace kb::run {
namespace {

// One read of a pipe's whole default size.
constexpr size_t kPipeSize = 65536;

struct Pipe {
  write::Fd read, write;
  bool ok() const { return read.ok() && write.ok(); }
};

// Both ends close on exec; the child's end becomes its stdin or stdout by dup2, which keeps it.
Pipe MakePipe() {
  std::array<int, 2> ends = {-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  return {write::Fd(ends[0]), write::Fd(ends[1])};
}

// Only of our end: O_NONBLOCK belongs to the open file, and programs do not expect it on theirs.
bool KeepGoing(const write::Fd& fd) {
  return fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) | O_NONBLOCK) == 0;
}

struct Attributes {
  posix_spawnattr_t value;
  Attributes() {
    posix_spawnattr_init(&value);
    // The runner ignores SIGPIPE and blocks what it reads from a descriptor; its children must not.
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&value, &none);
    posix_spawnattr_setsigdefault(&value, &all);
    posix_spawnattr_setpgroup(&value, 0);
    posix_spawnattr_setflags(
        &value, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  ~Attributes() { posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

struct Actions {
  posix_spawn_file_actions_t value;
  Actions(int in, int out, int err) {
    posix_spawn_file_actions_init(&value);
    posix_spawn_file_actions_adddup2(&value, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&value, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&value, err, STDERR_FILENO);
  }
  ~Actions() { posix_spawn_file_actions_destroy(&value); }
  Actions(const Actions&) = delete;
  Actions& operator=(const Actions&) = delete;
};

std::vector<char*> Pointers(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  // exec's signature is older than const; it does not write.
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  return pointers;
}

}  // namespace

Result<Process> Process::Begin(const Start& start) {
  Process process;
  const bool own = start.errors == Errors::kOwnPipe;
  Pipe in = MakePipe(), out = MakePipe(), err = own ? MakePipe() : Pipe{};
  const bool made = in.ok() && out.ok() && (!own || err.ok());
  if (!made || !KeepGoing(in.write) || !KeepGoing(out.read) || (own && !KeepGoing(err.read))) {
    return write::SystemError("make pipes for", start.argv[0]);
  }
  std::vector<char*> argv = Pointers(start.argv);
  argv.push_back(nullptr);
  std::vector<char*> environment = Pointers(start.environment);
  for (char** entry = environ; *entry; ++entry) environment.push_back(*entry);
  environment.push_back(nullptr);
  const Attributes attributes;
  const Actions actions(in.read.get(), out.write.get(), own ? err.write.get() : out.write.get());
  errno = posix_spawnp(&process.pid_, argv[0], &actions.value, &attributes.value, argv.data(),
                       environment.data());
  if (errno != 0) return write::SystemError("start", start.argv[0]);
  process.ended_ = write::Fd(static_cast<int>(syscall(SYS_pidfd_open, process.pid_, 0)));
  if (!process.ended_.ok()) return write::SystemError("watch", start.argv[0]);
  process.in_ = std::move(in.write);
  process.out_ = std::move(out.read);
  process.err_ = std::move(err.read);
  return process;
}

Flow Process::Read(write::Fd& fd, std::string& to) {
  if (!fd.ok()) return Flow::kEnded;
  const size_t before = to.size();
  to.resize(before + kPipeSize);
  const ssize_t got = ::read(fd.get(), to.data() + before, kPipeSize);
  to.resize(before + static_cast<size_t>(std::max<ssize_t>(got, 0)));
  if (got > 0) return Flow::kMore;
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Flow::kLater;
  fd.Close();
  return Flow::kEnded;
}

std::optional<size_t> Process::Write(std::string_view bytes) const {
  const ssize_t written = ::write(in_.get(), bytes.data(), bytes.size());
  if (written >= 0) return static_cast<size_t>(written);
  if (errno == EAGAIN || errno == EINTR) return 0;
  return std::nullopt;
}

std::optional<int> Process::Status() {
  if (status_ || pid_ < 0) return status_;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return std::nullopt;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return status_;
}

void Process::Signal(int number) const {
  if (pid_ > 0 && !status_) kill(-pid_, number);
}

}  // namespace kb::run
