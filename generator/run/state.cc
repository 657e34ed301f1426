#include "run/state.h"

#include <sys/stat.h>

#include <cerrno>

#include "base/files.h"
#include "write/posix.h"

namespace kb::run {

Result<void> MakeStateFolder(const std::string& path) {
  if (path.empty() || mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return write::SystemError("make", path);
  if (auto above = MakeStateFolder(DirectoryOf(path)); !above) return above;
  if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return write::SystemError("make", path);
  return {};
}

}  // namespace kb::run
