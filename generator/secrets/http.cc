#include "secrets/http.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include <fmt/core.h>

#include "base/strings.h"
#include "write/posix.h"

extern char** environ;

namespace kb::secrets {
namespace {

using write::Fd;

struct Pipe {
  Fd read, write;
};

Result<Pipe> MakePipe() {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Fail("cannot make a pipe");
  return Pipe{Fd(ends[0]), Fd(ends[1])};
}

void Option(Secret& config, std::string_view name, std::string_view value) {
  config.Append(name), config.Append(" = "), AppendQuoted(config, value), config.Append('\n');
}

Secret ConfigOf(const Request& request) {
  Secret config;
  config.Reserve(1024 + 2 * request.body.size());
  Option(config, "url", request.url);
  // A proxy's or a server's word does not lead the token elsewhere.
  Option(config, "proto", "=http,https");
  Option(config, "max-redirs", "0");
  Option(config, "connect-timeout", "10");
  Option(config, "max-time", "30");
  Option(config, "write-out", "\n%{http_code}");
  config.Append("silent\nshow-error\nglobsoff\n");
  if (!request.ca_file.empty()) Option(config, "cacert", request.ca_file);
  if (!request.ca_folder.empty()) Option(config, "capath", request.ca_folder);
  for (const Secret& header : request.headers) Option(config, "header", header.Reveal());
  if (!request.body.empty()) {
    Option(config, "header", "Content-Type: application/json");
    Option(config, "data-raw", request.body.Reveal());
  }
  return config;
}

// What curl needs to find its way, without the token: an environment can be read.
std::vector<char*> EnvironmentForCurl() {
  std::vector<char*> kept;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (!std::string_view(*variable).starts_with("VAULT_")) kept.push_back(*variable);
  }
  kept.push_back(nullptr);
  return kept;
}

Result<pid_t> Start(const Pipe& in, const Pipe& out, const Pipe& err) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in.read.get(), STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out.write.get(), STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, err.write.get(), STDERR_FILENO);
  // --disable: ~/.curlrc might turn checks off, or everything that is sent into a trace.
  std::array<const char*, 5> arguments{"curl", "--disable", "--config", "-", nullptr};
  pid_t pid = -1;
  const int failed =
      posix_spawnp(&pid, "curl", &actions, nullptr, const_cast<char* const*>(arguments.data()),
                   EnvironmentForCurl().data());
  posix_spawn_file_actions_destroy(&actions);
  if (failed == 0) return pid;
  return Fail(fmt::format("cannot run curl, which asks the store: {}",
                          std::generic_category().message(failed)));
}

Secret ReadToEnd(const Fd& pipe) {
  Secret bytes;
  while (true) {
    constexpr size_t kStep = 4096;
    bytes.Reserve(kStep);
    const ssize_t got = read(pipe.get(), bytes.Tail(), kStep);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return bytes;
    bytes.Grow(static_cast<size_t>(got));
  }
}

int WaitFor(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

void AppendQuoted(Secret& out, std::string_view text) {
  out.Append('"');
  for (const char c : text) {
    switch (c) {
      case '"':
        out.Append("\\\"");
        break;
      case '\\':
        out.Append("\\\\");
        break;
      case '\n':
        out.Append("\\n");
        break;
      case '\r':
        out.Append("\\r");
        break;
      case '\t':
        out.Append("\\t");
        break;
      case '\v':
        out.Append("\\v");
        break;
      default:
        out.Append(c);
    }
  }
  out.Append('"');
}

Result<Response> Ask(const Request& request) {
  KB_TRY(in, MakePipe());
  KB_TRY(out, MakePipe());
  KB_TRY(err, MakePipe());
  KB_TRY(pid, Start(in, out, err));
  in.read.Close(), out.write.Close(), err.write.Close();
  // curl reads all of its configuration before it does anything, so this cannot wait for ever. That
  // it ended early is seen below.
  write::WriteAll(in.write.get(), ConfigOf(request).Reveal());
  in.write.Close();
  Response response{.status = 0, .body = ReadToEnd(out.read)};
  const Secret said = ReadToEnd(err.read);
  if (WaitFor(pid) != 0) {
    return Fail(fmt::format("{}: {}", request.url, Trim(said.Reveal())));
  }
  const std::string_view whole = response.body.Reveal();
  const size_t line = whole.rfind('\n');
  if (line == std::string_view::npos) return Fail(fmt::format("{}: no answer", request.url));
  response.status = static_cast<int>(ParseUnsigned(whole.substr(line + 1)).value_or(0));
  response.body = Secret(whole.substr(0, line));
  return response;
}

}  // namespace kb::secrets
