#include "secrets/folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "base/files.h"
#include "write/place.h"

namespace kb::secrets {
namespace {

using write::Fd;
using write::SystemError;

constexpr mode_t kOthers = 0077;
constexpr std::string_view kStagedEnding = ".kbgen-new";

std::string StagedName(std::string_view name) { return fmt::format(".{}{}", name, kStagedEnding); }

// "/" stays, "a/b//" becomes "a/b": O_NOFOLLOW does not mean what stands before a last slash.
std::string WithoutLastSlashes(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

Distrust Judge(const struct stat& status, const std::string& path, bool folder) {
  if (status.st_uid != geteuid()) {
    return {fmt::format("it belongs to user {}, not to the one who asks ({})", status.st_uid,
                        geteuid()),
            fmt::format("find out why, then: chown {} {}", geteuid(), path)};
  }
  if ((status.st_mode & kOthers) != 0) {
    return {fmt::format("others than its owner may reach it (mode {:04o})", status.st_mode & 07777),
            fmt::format("chmod {} {}; whoever could read a value may know it: rotate it",
                        folder ? "0700" : "0600", path)};
  }
  return {};
}

Distrust IsLink(const std::string& path) {
  return {"it is a symbolic link", fmt::format("put the real thing in the place of {}", path)};
}

Result<void> MakeFolder(const std::string& path) {
  // Each folder above with the usual mode, the last one with its own from its first moment.
  for (size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string above = path.substr(0, end);
    if (mkdir(above.c_str(), 0755) != 0 && errno != EEXIST) return SystemError("make", above);
  }
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return SystemError("make", path);
  const std::string parent = DirectoryOf(path);
  Fd above(open(parent.empty() ? "." : parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!above.ok() || (fsync(above.get()) != 0 && errno != EINVAL)) return SystemError("make", path);
  return {};
}

Result<Secret> ReadAll(const Fd& file, size_t expected, const std::string& path) {
  Secret bytes;
  bytes.Reserve(expected + 1);
  while (true) {
    constexpr size_t kStep = 4096;
    bytes.Reserve(kStep);
    const ssize_t got = read(file.get(), bytes.Tail(), kStep);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError("read", path);
    if (got == 0) return bytes;
    bytes.Grow(static_cast<size_t>(got));
  }
}

bool WriteStaged(int folder, const std::string& name, const Secret& bytes) {
  // A run that died may have left it, with whatever mode: it is not written through.
  if (unlinkat(folder, name.c_str(), 0) != 0 && errno != ENOENT) return false;
  Fd file(openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  // A umask may have taken away what the owner needs.
  return file.ok() && fchmod(file.get(), 0600) == 0 &&
         write::WriteAll(file.get(), bytes.Reveal()) && fsync(file.get()) == 0 && file.Close();
}

bool SyncFolder(int folder) { return fsync(folder) == 0 || errno == EINVAL; }

}  // namespace

Result<Folder> Folder::Open(const std::string& path) {
  Folder folder;
  folder.path_ = WithoutLastSlashes(path);
  folder.folder_ = Fd(open(folder.path_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.folder_.ok()) {
    const int reason = errno;
    struct stat status;
    if (lstat(folder.path_.c_str(), &status) == 0 && S_ISLNK(status.st_mode)) {
      folder.distrust_ = IsLink(folder.path_);
      return folder;
    }
    errno = reason;
    if (errno == ENOENT) return folder;
    return SystemError("open", folder.path_);
  }
  struct stat status;
  if (fstat(folder.folder_.get(), &status) != 0) return SystemError("look at", folder.path_);
  folder.distrust_ = Judge(status, folder.path_, true);
  return folder;
}

Result<Folder> Folder::Make(const std::string& path) {
  KB_TRY(folder, Open(path));
  if (folder.folder_.ok() || folder.distrust_) return folder;
  if (auto made = MakeFolder(folder.path_); !made) {
    return std::unexpected(std::move(made).error());
  }
  return Open(folder.path_);
}

Result<void> Folder::Lock() {
  if (!folder_.ok()) return {};
  if (auto locked = write::Lock(folder_, path_); !locked) return locked;
  std::vector<std::string> staged;
  const bool listed = write::ForEachEntry(folder_.get(), [&](std::string_view name, unsigned char) {
    if (name.starts_with('.') && name.ends_with(kStagedEnding)) staged.emplace_back(name);
  });
  if (!listed) return SystemError("list", path_);
  for (const std::string& name : staged) {
    if (unlinkat(folder_.get(), name.c_str(), 0) != 0) return SystemError("remove", PathOf(name));
  }
  return {};
}

Result<Found> Folder::Read(const std::string& name) const {
  Found found;
  if (!folder_.ok()) return found;
  const std::string path = PathOf(name);
  Fd file(openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.ok() && errno == ENOENT) return found;
  found.there = true;
  if (!file.ok() && errno == ELOOP) {
    found.distrust = IsLink(path);
    return found;
  }
  if (!file.ok()) return SystemError("open", path);
  struct stat status;
  if (fstat(file.get(), &status) != 0) return SystemError("look at", path);
  if (!S_ISREG(status.st_mode)) {
    found.distrust = {"it is not a regular file", fmt::format("move {} away", path)};
    return found;
  }
  found.distrust = Judge(status, path, false);
  if (found.distrust) return found;
  KB_TRY(bytes, ReadAll(file, static_cast<size_t>(status.st_size), path));
  found.content = EnvFile(std::move(bytes));
  return found;
}

Result<void> Folder::Replace(const std::string& name, const Secret& bytes) const {
  const std::string staged = StagedName(name);
  if (!WriteStaged(folder_.get(), staged, bytes) ||
      renameat(folder_.get(), staged.c_str(), folder_.get(), name.c_str()) != 0) {
    const int reason = errno;
    unlinkat(folder_.get(), staged.c_str(), 0);
    errno = reason;
    return SystemError("write", PathOf(name));
  }
  if (!SyncFolder(folder_.get())) return SystemError("write", PathOf(name));
  return {};
}

Result<void> Folder::Remove(const std::string& name) const {
  if ((unlinkat(folder_.get(), name.c_str(), 0) != 0 && errno != ENOENT) ||
      !SyncFolder(folder_.get())) {
    return SystemError("remove", PathOf(name));
  }
  return {};
}

}  // namespace kb::secrets
