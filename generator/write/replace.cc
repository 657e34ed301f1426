#include "write/replace.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/core.h>

#include "base/files.h"
#include "write/place.h"

namespace kb::write {
namespace {

constexpr mode_t kMode = 0644;

std::string FolderOf(const std::string& path) {
  const std::string folder = DirectoryOf(path);
  return folder.empty() ? "." : folder;
}

// Writes all of a file that nobody reads yet, down to the disk.
bool WriteStaged(int folder, const std::string& name, std::string_view bytes) {
  Fd file(
      openat(folder, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  return file.ok() && WriteAll(file.get(), bytes) && fchmod(file.get(), kMode) == 0 &&
         fsync(file.get()) == 0 && file.Close();
}

}  // namespace

Result<Fd> HoldFile(const std::string& path) {
  const std::string folder_path = FolderOf(path);
  Fd folder(open(folder_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) return SystemError("open", folder_path);
  if (auto locked = Lock(folder, path); !locked) return std::unexpected(std::move(locked).error());
  return folder;
}

Result<void> ReplaceFile(const Fd& folder, const std::string& path, std::string_view bytes) {
  const std::string name(BaseName(path));
  const std::string staged = fmt::format(".{}.kbgen-new", name);
  if (!WriteStaged(folder.get(), staged, bytes) ||
      renameat(folder.get(), staged.c_str(), folder.get(), name.c_str()) != 0) {
    const int reason = errno;
    unlinkat(folder.get(), staged.c_str(), 0);
    errno = reason;
    return SystemError("write", path);
  }
  // The rename itself must last, too. A file system that cannot sync folders does so by itself.
  if (fsync(folder.get()) != 0 && errno != EINVAL) return SystemError("write", path);
  return {};
}

}  // namespace kb::write
