#include "bundle/revision.h"

#include <fmt/core.h>

#include "base/strings.h"
#include "bundle/process.h"

namespace kb::bundle {

Result<std::optional<Revision>> RevisionOf(const std::string& folder) {
  const auto inside = Run({.words = {"git", "-C", folder, "rev-parse", "--verify", "HEAD"}});
  if (!inside || inside->status != 0) return std::nullopt;
  // A folder of another repository that is ignored there: its commit says nothing of the tree.
  KB_TRY(ignored, Run({.words = {"git", "-C", folder, "check-ignore", "--quiet", "."}}));
  if (ignored.status == 0) return std::nullopt;
  Revision revision{.commit = std::string(Trim(inside->out))};
  KB_TRY(time,
         RunWell({.words = {"git", "-C", folder, "show", "--no-patch", "--format=%ct", "HEAD"}}));
  revision.time = ParseUnsigned(Trim(time)).value_or(0);
  // Files that nobody added, elsewhere in the repository, are no input: a bundle may be among them.
  KB_TRY(
      known,
      RunWell({.words = {"git", "-C", folder, "status", "--porcelain", "--untracked-files=no"}}));
  KB_TRY(own, RunWell({.words = {"git", "-C", folder, "status", "--porcelain",
                                 "--untracked-files=all", "--", "."}}));
  revision.dirty = !known.empty() || !own.empty();
  return revision;
}

}  // namespace kb::bundle
