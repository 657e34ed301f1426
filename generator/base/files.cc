#include "base/files.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace kb {
namespace {

std::unexpected<Error> FailErrno(std::string_view doing, std::string_view path, int error) {
  std::string message(doing);
  message.append(" `").append(path).append("`: ").append(std::strerror(error));
  return Fail(std::move(message));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  // What the kernel could not write may be known only now.
  int Close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

int OpenRetrying(const char* path, int flags, mode_t mode = 0) {
  int fd;
  do fd = ::open(path, flags | O_CLOEXEC, mode);
  while (fd < 0 && errno == EINTR);
  return fd;
}

// errno, or 0.
int WriteAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

// errno, or 0.
int MakeDirectories(const std::string& path) {
  if (path.empty() || ::mkdir(path.c_str(), 0777) == 0) return 0;
  if (errno == EEXIST) return 0;  // not a directory: opening the file below it will say so
  if (errno != ENOENT) return errno;
  std::string parent = DirectoryOf(path);
  if (parent == path) return ENOENT;
  if (const int error = MakeDirectories(parent)) return error;
  return ::mkdir(path.c_str(), 0777) == 0 || errno == EEXIST ? 0 : errno;
}

std::string TemporaryName(const std::string& directory) {
  static std::atomic<uint64_t> counter = 0;
  return JoinPath(directory, ".kbgen-tmp-" + std::to_string(::getpid()) + "-" +
                                 std::to_string(counter.fetch_add(1)));
}

// Opens a file that did not exist before, in `directory`, which is made when it is missing.
int OpenTemporary(const std::string& directory, std::string& name) {
  bool made = false;
  for (;;) {
    name = TemporaryName(directory);
    // Nobody else may read the bytes before the mode is set.
    const int fd = OpenRetrying(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600);
    if (fd >= 0) return fd;
    if (errno == EEXIST) continue;  // left behind by a run that was killed
    if (errno != ENOENT || made) return -1;
    if (const int error = MakeDirectories(directory)) {
      errno = error;
      return -1;
    }
    made = true;
  }
}

enum class EntryKind : uint8_t { kFile, kDirectory, kOther };
enum class Links : uint8_t { kFollow, kShow };

struct Entry {
  std::string name;
  EntryKind kind;
};

EntryKind KindOf(const std::string& path, const dirent& entry, Links links) {
  if (entry.d_type == DT_REG) return EntryKind::kFile;
  if (entry.d_type == DT_DIR) return EntryKind::kDirectory;
  // Links, and everything on a file system that does not tell.
  struct stat info;
  const int failed =
      links == Links::kFollow ? ::stat(path.c_str(), &info) : ::lstat(path.c_str(), &info);
  if (failed) return EntryKind::kOther;
  if (S_ISREG(info.st_mode)) return EntryKind::kFile;
  return S_ISDIR(info.st_mode) ? EntryKind::kDirectory : EntryKind::kOther;
}

// All entries but `.` and `..`, in the order of the file system.
Result<std::vector<Entry>> Entries(const std::string& path, Links links) {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(path.empty() ? "." : path.c_str()),
                                                      &::closedir);
  if (!directory) return FailErrno("cannot list", path, errno);
  std::vector<Entry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back({std::string(name), KindOf(JoinPath(path, name), *entry, links)});
  }
  if (errno != 0) return FailErrno("cannot list", path, errno);
  return entries;
}

}  // namespace

Result<std::string> ReadFile(const std::string& path) {
  const Descriptor file(OpenRetrying(path.c_str(), O_RDONLY));
  if (!file.open()) return FailErrno("cannot read", path, errno);
  struct stat info;
  if (::fstat(file.get(), &info) != 0) return FailErrno("cannot read", path, errno);

  // One byte more than the size, so that the end is seen by the first read. A pipe has size 0,
  // and a file may grow while it is read.
  std::string bytes;
  size_t size = 0;
  bytes.resize(static_cast<size_t>(info.st_size) + 1);
  for (;;) {
    if (size == bytes.size()) bytes.resize(std::max<size_t>(bytes.size() * 2, 4096));
    const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return FailErrno("cannot read", path, errno);
    if (got == 0) break;
    size += static_cast<size_t>(got);
    const bool whole = S_ISREG(info.st_mode) && size == static_cast<size_t>(info.st_size);
    if (whole) break;
  }
  bytes.resize(size);
  return bytes;
}

bool PathExists(const std::string& path) {
  struct stat info;
  return ::stat(path.c_str(), &info) == 0;
}

Result<std::vector<std::string>> ListDirectory(const std::string& path) {
  KB_TRY(entries, Entries(path, Links::kFollow));
  std::vector<std::string> names;
  for (Entry& entry : entries) {
    if (entry.name[0] == '.') continue;
    if (entry.kind == EntryKind::kDirectory) entry.name += '/';
    names.push_back(std::move(entry.name));
  }
  std::ranges::sort(names);
  return names;
}

Result<std::vector<std::string>> ListTree(const std::string& root) {
  std::vector<std::string> files;
  std::vector<std::string> pending = {""};
  while (!pending.empty()) {
    const std::string directory = std::move(pending.back());
    pending.pop_back();
    KB_TRY(entries, Entries(JoinPath(root, directory), Links::kShow));
    for (const Entry& entry : entries) {
      std::string path = JoinPath(directory, entry.name);
      if (entry.kind == EntryKind::kDirectory)
        pending.push_back(std::move(path));
      else if (entry.kind == EntryKind::kFile)
        files.push_back(std::move(path));
    }
  }
  std::ranges::sort(files);
  return files;
}

// There is no fsync: an output tree can be rendered again, and syncing each of its files would cost
// more than everything else together.
Result<void> WriteFileAtomically(const std::string& path, std::string_view bytes, uint32_t mode) {
  std::string temporary;
  Descriptor file(OpenTemporary(DirectoryOf(path), temporary));
  if (!file.open()) return FailErrno("cannot write", path, errno);
  int error = WriteAll(file.get(), bytes);
  if (error == 0 && ::fchmod(file.get(), mode) != 0) error = errno;
  if (file.Close() != 0 && error == 0) error = errno;
  if (error == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return {};
  ::unlink(temporary.c_str());
  return FailErrno("cannot write", path, error);
}

std::string DirectoryOf(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return "";
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

std::string JoinPath(std::string_view base, std::string_view relative) {
  if (relative.starts_with('/')) return std::string(relative);
  // `model` and `../inventory/servers.tsv` make `inventory/servers.tsv`: what people are shown.
  for (;;) {
    if (relative.starts_with("./")) {
      relative.remove_prefix(2);
      continue;
    }
    while (base.size() > 1 && base.ends_with('/')) base.remove_suffix(1);
    const size_t slash = base.rfind('/');
    const size_t last_begin = slash == std::string_view::npos ? 0 : slash + 1;
    const std::string_view last = base.substr(last_begin);
    if (!relative.starts_with("../") || last.empty() || last == "." || last == "..") break;
    relative.remove_prefix(3);
    base = base.substr(0, slash == 0 ? 1 : last_begin);
  }
  if (base.empty()) return std::string(relative);
  std::string joined(base);
  if (!joined.ends_with('/')) joined += '/';
  return joined.append(relative);
}

}  // namespace kb
