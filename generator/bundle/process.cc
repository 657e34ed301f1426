#include "bundle/process.h"

#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/core.h>

#include "base/strings.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

using write::Fd;

// Memory that is a file: what goes in and out may be of any size without two ends waiting for each
// other.
Fd Memory(const char* name) { return Fd(memfd_create(name, MFD_CLOEXEC)); }

std::string Contents(int fd) {
  std::string text;
  char buffer[16384];
  off_t at = 0;
  while (true) {
    const ssize_t got = pread(fd, buffer, sizeof buffer, at);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer, static_cast<size_t>(got));
    at += got;
  }
}

std::vector<char*> Pointers(const std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> Surroundings() {
  std::vector<std::string> variables;
  for (char** at = environ; *at != nullptr; ++at) {
    const std::string_view variable = *at;
    if (!variable.starts_with("LC_ALL=") && !variable.starts_with("LANGUAGE=")) {
      variables.emplace_back(variable);
    }
  }
  variables.emplace_back("LC_ALL=C");
  return variables;
}

}  // namespace

Result<Ran> Run(const Command& command) {
  const std::string& program = command.words.front();
  const Fd in = Memory("in"), out = Memory("out"), err = Memory("err");
  if (!in.ok() || !out.ok() || !err.ok()) return write::SystemError("run", program);
  if (!write::WriteAll(in.get(), command.input) || lseek(in.get(), 0, SEEK_SET) != 0) {
    return write::SystemError("run", program);
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const int input = command.input_file >= 0 ? command.input_file : in.get();
  const int output = command.output_file >= 0 ? command.output_file : out.get();
  posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, err.get(), 2);
  const std::vector<std::string> variables = Surroundings();
  pid_t child = -1;
  const int failed = posix_spawnp(&child, program.c_str(), &actions, nullptr,
                                  Pointers(command.words).data(), Pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    return Fail(
        fmt::format("cannot run `{}`: {}", program, std::generic_category().message(failed)));
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return write::SystemError("wait for", program);
  }
  Ran ran;
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (command.output_file < 0) ran.out = Contents(out.get());
  const std::string said = Contents(err.get());
  ran.err = Trim(said);
  return ran;
}

Result<std::string> RunWell(const Command& command) {
  KB_TRY(ran, Run(command));
  if (ran.status == 0) return std::move(ran.out);
  const std::string doing =
      Join(std::span(command.words).first(std::min<size_t>(3, command.words.size())), " ");
  return Fail(
      fmt::format("`{}` failed ({}){}{}", doing, ran.status, ran.err.empty() ? "" : ": ", ran.err));
}

}  // namespace kb::bundle
