#include "write/place.h"

#include <dirent.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string_view>
#include <vector>

#include <fmt/core.h>

namespace kb::write {
namespace {

constexpr int kListFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

bool HeldByAnother(int folder) {
  return flock(folder, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

}  // namespace

Place::Place(const std::string& root) {
  std::string_view path = root;
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  path_ = path;
  name_ = BaseName(path);
  const size_t slash = path.rfind('/');
  parent_ = slash == std::string_view::npos ? "." : path_.substr(0, std::max<size_t>(slash, 1));
}

Fd Place::Open() const { return Fd(open(path_.c_str(), kListFlags)); }

Fd Place::OpenParent() const { return Fd(open(parent_.c_str(), kListFlags)); }

Result<void> Place::RemoveDeadStages() const {
  const Fd parent = OpenParent();
  // No folder, nothing in it; what cannot be read is not in the way of writing either.
  if (!parent.ok()) return {};
  std::vector<std::string> stages;
  const std::string prefix = StagePrefix();
  ForEachEntry(parent.get(), [&](std::string_view entry, unsigned char type) {
    if (type == DT_DIR && entry.starts_with(prefix)) stages.emplace_back(entry);
  });
  for (const std::string& stage : stages) {
    const Fd folder(openat(parent.get(), stage.c_str(), kListFlags | O_NOFOLLOW));
    if (!folder.ok()) continue;
    if (auto locked = Lock(folder, path_); !locked) return locked;
    RemoveTree(parent.get(), stage);
  }
  return {};
}

Result<void> Lock(const Fd& folder, const std::string& path) {
  // Some network file systems cannot lock a folder; a run without a lock is better than none.
  if (!HeldByAnother(folder.get())) return {};
  return Fail(fmt::format("another kbgen is writing `{}`: wait until it has finished", path));
}

}  // namespace kb::write
