#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/core.h>

#include "write/manifest.h"
#include "write/pass.h"
#include "write/place.h"

namespace kb::write {
namespace {

// A folder beside the tree, removed again unless it was moved into place.
class Stage {
 public:
  Stage(const Place& place, Fd parent)
      : parent_(std::move(parent)), name_(fmt::format("{}{}", place.StagePrefix(), getpid())) {}
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  ~Stage() {
    if (folder_.ok()) RemoveTree(parent_.get(), name_);
  }

  Result<void> Open(const Place& place) {
    if (mkdirat(parent_.get(), name_.c_str(), 0755) != 0) return SystemError("make", name_);
    folder_ = Fd(openat(parent_.get(), name_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder_.ok()) return SystemError("open", name_);
    return Lock(folder_, place.path());
  }

  Result<void> MoveTo(const Place& place) {
    if (renameat(parent_.get(), name_.c_str(), parent_.get(), place.name().c_str()) == 0) {
      folder_.Close();
      return {};
    }
    if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) {
      return SystemError("make", place.path());
    }
    return Fail(fmt::format("`{}` appeared while this run was rendering it", place.path()));
  }

  int fd() const { return folder_.get(); }

 private:
  Fd parent_;
  std::string name_;
  Fd folder_;
};

}  // namespace

Result<uint64_t> MakeTree(const Place& place, const Source& source, const Options& options,
                          Diagnostics& diags) {
  std::error_code ignored;
  std::filesystem::create_directories(place.parent(), ignored);
  Fd parent = place.OpenParent();
  if (!parent.ok()) return SystemError("make a folder in", place.parent());
  Stage stage(place, std::move(parent));
  if (auto opened = stage.Open(place); !opened) return std::unexpected(std::move(opened).error());

  Digests digests(source.size());
  std::atomic<uint64_t> bytes = 0;
  const auto write = [&](uint32_t i, std::string_view text, Scratch& scratch) -> Result<void> {
    digests[i] = Digest(text);
    bytes.fetch_add(text.size(), std::memory_order_relaxed);
    const std::string path = source.PathOf(i);
    if (!MakeFoldersAfter(stage.fd(), path, scratch.folder)) {
      return SystemError("make the folder of", path);
    }
    return CreateFile(stage.fd(), path, text, ModeOf(source, i));
  };
  auto written = RenderAll(source, options.threads, write, diags);
  if (!written) return std::unexpected(std::move(written).error().Within("making " + place.path()));
  if (!diags.has_errors() && options.inspect) options.inspect(digests, diags);
  if (diags.has_errors()) return 0;

  const std::string manifest(kManifestName);
  KB_TRY(manifest_bytes, WriteManifest(stage.fd(), manifest, source, digests, options));
  if (auto moved = stage.MoveTo(place); !moved) return std::unexpected(std::move(moved).error());
  return bytes + manifest_bytes;
}

}  // namespace kb::write
