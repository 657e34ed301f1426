// Posix: the system calls of the output tree, relative to an open directory and never through a
// symbolic link.
#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kb::write {

// Owns a file descriptor; negative: none, and errno of the failed call still stands.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.Release()) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd();

  bool ok() const { return fd_ >= 0; }
  int get() const { return fd_; }
  int Release();
  // Closes now and says whether that went well: some file systems report a full disk only here.
  bool Close();

 private:
  int fd_ = -1;
};

// "cannot write `out/x`: No space left on device", from errno.
std::unexpected<Error> SystemError(std::string_view doing, std::string_view path);

// Opens `path` below `root`. No component is followed if it is a symbolic link (ELOOP or ENOTDIR).
// `path` has no "..".
Fd OpenBeneath(int root, const std::string& path, int flags);
// The same one component at a time, for kernels and sandboxes without openat2(2).
Fd OpenStepwise(int root, const std::string& path, int flags);

// The folder that holds `path` ("" is `root`), as a handle for *at calls.
Fd OpenParent(int root, const std::string& path);
std::string_view BaseName(std::string_view path);

// Makes every missing folder above `path` and opens the last one. A link in the way is an error.
Fd MakeFolders(int root, std::string_view path);

bool WriteAll(int fd, std::string_view bytes);
// Writes a file that must not exist yet, in a tree that nobody else can have put links into.
Result<void> CreateFile(int root, const std::string& path, std::string_view bytes, mode_t mode);
// Makes the folders above `path` in such a tree. `last` is the folder that this caller made before:
// what both have in common is there, so that hardly any call is made for nothing.
bool MakeFoldersAfter(int root, std::string_view path, std::string& last);

// Removes `name` and all below it. A tree that is not there is fine.
bool RemoveTree(int parent, const std::string& name);
// Removes a folder that holds nothing but folders.
bool RemoveEmptyTree(int parent, const std::string& name);

// Calls `entry(name, type)` with DT_* for each entry but "." and "..", in no order. False: errno.
bool ForEachEntry(int directory, const std::function<void(std::string_view, unsigned char)>& entry);

// The permissions of what a run makes are exact whatever the caller's umask is; setting it once
// saves a chmod a file. It belongs to the process, so it is put back.
class UmaskGuard {
 public:
  UmaskGuard();
  ~UmaskGuard();
  UmaskGuard(const UmaskGuard&) = delete;
  UmaskGuard& operator=(const UmaskGuard&) = delete;

 private:
  mode_t old_;
};

}  // namespace kb::write
