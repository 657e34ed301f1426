#include "write/posix.h"

#include <dirent.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/core.h>

namespace kb::write {
namespace {

constexpr int kFolderFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr mode_t kFolderMode = 0755;

unsigned char TypeOf(int directory, const char* name) {
  struct stat status;
  if (fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

}  // namespace

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    Close();
    fd_ = other.Release();
  }
  return *this;
}

Fd::~Fd() { Close(); }

int Fd::Release() { return std::exchange(fd_, -1); }

bool Fd::Close() {
  // Cleaning up must not hide why it became necessary.
  const int error = errno;
  if (fd_ >= 0 && close(std::exchange(fd_, -1)) != 0) return false;
  errno = error;
  return true;
}

std::unexpected<Error> SystemError(std::string_view doing, std::string_view path) {
  const std::string reason = std::generic_category().message(errno);
  return Fail(fmt::format("cannot {} `{}`: {}", doing, path, reason));
}

Fd OpenBeneath(int root, const std::string& path, int flags) {
  static std::atomic<bool> refused = false;
  if (!refused.load(std::memory_order_relaxed)) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags | O_CLOEXEC);
    how.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
    Fd fd(static_cast<int>(syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
    // Older container sandboxes answer a call that they do not know with EPERM.
    if (fd.ok() || (errno != ENOSYS && errno != EPERM)) return fd;
    if (errno == ENOSYS) refused.store(true, std::memory_order_relaxed);
  }
  return OpenStepwise(root, path, flags);
}

Fd OpenStepwise(int root, const std::string& path, int flags) {
  Fd folder;
  int at = root;
  size_t begin = 0;
  for (size_t slash; (slash = path.find('/', begin)) != std::string::npos; begin = slash + 1) {
    folder = Fd(openat(at, path.substr(begin, slash - begin).c_str(), kFolderFlags));
    if (!folder.ok()) return folder;
    at = folder.get();
  }
  return Fd(openat(at, path.c_str() + begin, flags | O_NOFOLLOW | O_CLOEXEC));
}

Fd OpenParent(int root, const std::string& path) {
  const size_t slash = path.rfind('/');
  const std::string parent = slash == std::string::npos ? "." : path.substr(0, slash);
  return OpenBeneath(root, parent, O_PATH | O_DIRECTORY);
}

std::string_view BaseName(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Fd MakeFolders(int root, std::string_view path) {
  Fd folder(openat(root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  size_t begin = 0;
  for (size_t slash; (slash = path.find('/', begin)) != std::string_view::npos; begin = slash + 1) {
    const std::string name(path.substr(begin, slash - begin));
    if (mkdirat(folder.get(), name.c_str(), kFolderMode) != 0 && errno != EEXIST) return Fd();
    folder = Fd(openat(folder.get(), name.c_str(), kFolderFlags));
    if (!folder.ok()) return folder;
  }
  return folder;
}

bool WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

Result<void> CreateFile(int root, const std::string& path, std::string_view bytes, mode_t mode) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  Fd file(openat(root, path.c_str(), kFlags, mode));
  if (!file.ok() || !WriteAll(file.get(), bytes) || !file.Close()) {
    return SystemError("write", path);
  }
  return {};
}

bool MakeFoldersAfter(int root, std::string_view path, std::string& last) {
  const std::string_view folder = path.substr(0, std::min(path.rfind('/'), path.size()));
  if (folder == last || folder.size() == path.size()) return true;
  // The first component in which the two differ.
  const auto differ = std::ranges::mismatch(folder, last);
  auto same = static_cast<size_t>(differ.in1 - folder.begin());
  const bool whole =
      (same == folder.size() || folder[same] == '/') && (same == last.size() || last[same] == '/');
  if (!whole)
    same = folder.rfind('/', same) == std::string_view::npos ? 0 : folder.rfind('/', same);
  last = folder;
  for (size_t end = same; end < folder.size();) {
    end = std::min(folder.find('/', end == 0 ? 0 : end + 1), folder.size());
    const std::string part(folder.substr(0, end));
    if (mkdirat(root, part.c_str(), kFolderMode) != 0 && errno != EEXIST) return false;
  }
  return true;
}

bool RemoveTree(int parent, const std::string& name) {
  if (unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return true;
  if (errno != EISDIR && errno != EPERM) return false;
  Fd folder(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.ok()) return false;
  std::vector<std::string> names;
  if (!ForEachEntry(folder.get(),
                    [&](std::string_view n, unsigned char) { names.emplace_back(n); })) {
    return false;
  }
  for (const std::string& entry : names) {
    if (!RemoveTree(folder.get(), entry)) return false;
  }
  return unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool RemoveEmptyTree(int parent, const std::string& name) {
  if (unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return true;
  if (errno != ENOTEMPTY && errno != EEXIST) return false;
  Fd folder(openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!folder.ok()) return false;
  std::vector<std::string> folders;
  bool only_folders = true;
  const bool read = ForEachEntry(folder.get(), [&](std::string_view entry, unsigned char type) {
    only_folders = only_folders && type == DT_DIR;
    folders.emplace_back(entry);
  });
  if (!read) return false;
  if (!only_folders) return errno = ENOTEMPTY, false;
  for (const std::string& below : folders) {
    if (!RemoveEmptyTree(folder.get(), below)) return false;
  }
  return unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool ForEachEntry(int directory,
                  const std::function<void(std::string_view, unsigned char)>& entry) {
  alignas(dirent64) char buffer[16 * 1024];
  for (;;) {
    const ssize_t size = getdents64(directory, buffer, sizeof buffer);
    if (size <= 0) return size == 0;
    for (ssize_t at = 0; at < size;) {
      const auto* row = reinterpret_cast<const dirent64*>(buffer + at);
      at += row->d_reclen;
      const std::string_view name = row->d_name;
      if (name == "." || name == "..") continue;
      // Some file systems do not tell the type while listing.
      entry(name, row->d_type == DT_UNKNOWN ? TypeOf(directory, row->d_name) : row->d_type);
    }
  }
}

UmaskGuard::UmaskGuard() : old_(umask(022)) {}
UmaskGuard::~UmaskGuard() { umask(old_); }

}  // namespace kb::write
