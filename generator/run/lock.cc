#include "run/lock.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "run/state.h"
#include "write/posix.h"

namespace kb::run {
namespace {

constexpr int kTriesMax = 100;

// Field 22 of /proc/<pid>/stat. The second one, the name, may hold blanks and brackets.
std::optional<std::string> StartOf(std::string_view pid) {
  const auto stat = ReadFile(fmt::format("/proc/{}/stat", pid));
  if (!stat) return std::nullopt;
  const size_t name = stat->rfind(')');
  if (name == std::string::npos) return std::nullopt;
  const auto fields = Split(std::string_view(*stat).substr(name + 1), ' ');
  constexpr size_t kStart = 20;  // of those behind the name, with an empty one before the first
  if (fields.size() <= kStart) return std::nullopt;
  return std::string(fields[kStart]);
}

Result<std::string> BootId() {
  KB_TRY(text, ReadFile("/proc/sys/kernel/random/boot_id"));
  return std::string(Trim(text));
}

std::optional<std::string> ReadLink(const std::string& path) {
  std::array<char, 256> target;
  const ssize_t size = readlink(path.c_str(), target.data(), target.size());
  if (size < 0 || static_cast<size_t>(size) == target.size()) return std::nullopt;
  return std::string(target.data(), static_cast<size_t>(size));
}

// Takes the lock of a dead process away. Only one process can make the link that names it, so
// nobody removes a lock that somebody else has just taken in its place.
Result<void> Clear(const std::string& path, const std::string& dead, const std::string& id) {
  const std::string over = path + ".over." + dead;
  if (symlink(id.c_str(), over.c_str()) != 0) {
    if (errno != EEXIST) return write::SystemError("make", over);
    const auto other = ReadLink(over);
    if (!other || IsAlive(*other)) return {};  // it is being done; look again
    return Fail(fmt::format("a run died while it took a lock over: remove `{}` by hand", over));
  }
  bool cleared = true;
  if (ReadLink(path) == dead) cleared = unlink(path.c_str()) == 0;
  const int error = errno;
  unlink(over.c_str());
  errno = error;
  if (!cleared) return write::SystemError("remove", path);
  return {};
}

}  // namespace

Result<std::string> ProcessId() {
  const std::string pid = std::to_string(getpid());
  const auto start = StartOf(pid);
  if (!start) return Fail("cannot read /proc/self/stat");
  KB_TRY(boot, BootId());
  return fmt::format("{}.{}.{}", pid, *start, boot);
}

bool IsAlive(std::string_view process_id) {
  const auto parts = Split(process_id, '.');
  if (parts.size() != 3 || !ParseUnsigned(parts[0])) return true;
  const auto boot = BootId();
  if (!boot) return true;
  if (*boot != parts[2]) return false;
  const auto start = StartOf(parts[0]);
  return start && *start == parts[1];
}

Result<RunLock> RunLock::Take(const std::string& path) {
  if (auto folder = MakeStateFolder(DirectoryOf(path)); !folder) {
    return std::unexpected(std::move(folder).error());
  }
  KB_TRY(id, ProcessId());
  for (int i = 0; i < kTriesMax; ++i) {
    if (symlink(id.c_str(), path.c_str()) == 0) return RunLock(path, std::move(id));
    if (errno != EEXIST) return write::SystemError("make", path);
    const auto holder = ReadLink(path);
    if (!holder && errno == EINVAL) return Fail(fmt::format("`{}` is not a lock", path));
    if (!holder) continue;  // given back in this moment
    if (IsAlive(*holder)) {
      return Fail(
          fmt::format("another run goes on: process {} holds `{}`", Split(*holder, '.')[0], path));
    }
    if (auto cleared = Clear(path, *holder, id); !cleared) {
      return std::unexpected(std::move(cleared).error());
    }
    usleep(1000);  // somebody else may be at it
  }
  return Fail(fmt::format("`{}` is taken and given back all the time", path));
}

RunLock::RunLock(std::string path, std::string id) : path_(std::move(path)), id_(std::move(id)) {}

RunLock::RunLock(RunLock&& other) noexcept
    : path_(std::exchange(other.path_, "")), id_(std::move(other.id_)) {}

RunLock& RunLock::operator=(RunLock&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(id_, other.id_);
  return *this;
}

RunLock::~RunLock() {
  if (!path_.empty() && ReadLink(path_) == id_) unlink(path_.c_str());
}

}  // namespace kb::run
