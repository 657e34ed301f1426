#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <fmt/core.h>

#include "write/manifest.h"
#include "write/pass.h"
#include "write/place.h"

namespace kb::write {
namespace {

using State = Survey::State;

Result<void> DeleteObsolete(int root, const Survey& survey) {
  for (const std::string& path : survey.obsolete) {
    const Fd folder = OpenParent(root, path);
    const std::string name(BaseName(path));
    if (!folder.ok() || unlinkat(folder.get(), name.c_str(), 0) != 0) {
      if (errno != ENOENT) return SystemError("delete", path);
    }
  }
  return {};
}

// Removes the folders above `path` that hold nothing, from below.
void RemoveEmptyFolders(int root, std::string path) {
  for (size_t slash; (slash = path.rfind('/')) != std::string::npos;) {
    path.resize(slash);
    const Fd parent = OpenParent(root, path);
    const std::string name(BaseName(path));
    if (!parent.ok() || unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR) != 0) {
      if (errno != ENOENT) return;
    }
  }
}

// Opens the stage, empty but for the manifests of runs that died: what they made must stay listed
// until this run is complete.
Result<Fd> OpenStage(int root) {
  const std::string name(kStageName);
  Fd stage = OpenBeneath(root, name, O_RDONLY | O_DIRECTORY);
  if (!stage.ok()) {
    if (!RemoveTree(root, name) || mkdirat(root, name.c_str(), 0755) != 0) {
      return SystemError("make", name);
    }
    stage = OpenBeneath(root, name, O_RDONLY | O_DIRECTORY);
    if (!stage.ok()) return SystemError("open", name);
  }
  std::vector<std::string> left;
  ForEachEntry(stage.get(), [&](std::string_view entry, unsigned char) {
    if (!entry.starts_with(kManifestName)) left.emplace_back(entry);
  });
  for (const std::string& entry : left) {
    if (!RemoveTree(stage.get(), entry)) return SystemError("remove", name + '/' + entry);
  }
  return stage;
}

// Makes room for this run's manifest beside those of the dead.
Result<void> KeepStagedManifest(int stage) {
  const std::string name(kManifestName);
  for (int number = 1;; ++number) {
    const std::string kept = fmt::format("{}.{}", name, number);
    if (renameat2(stage, name.c_str(), stage, kept.c_str(), RENAME_NOREPLACE) == 0) return {};
    if (errno == ENOENT) return {};
    if (errno != EEXIST) return SystemError("rename", name);
  }
}

// Moves a staged file to its place, which may hold an older one or folders that became empty.
Result<void> MoveIntoPlace(int stage, const std::string& staged, int root,
                           const std::string& path) {
  Fd folder = OpenParent(root, path);
  if (!folder.ok() && errno == ENOENT) folder = MakeFolders(root, path);
  const std::string name(BaseName(path));
  if (!folder.ok()) return SystemError("write", path);
  if (renameat(stage, staged.c_str(), folder.get(), name.c_str()) == 0) return {};
  if (errno == EISDIR && RemoveEmptyTree(folder.get(), name) &&
      renameat(stage, staged.c_str(), folder.get(), name.c_str()) == 0) {
    return {};
  }
  return SystemError("write", path);
}

Result<void> WriteChanged(int root, int stage, const Source& source, const Options& options,
                          const Survey& survey) {
  std::vector<uint32_t> changed;
  for (size_t i = 0; i < survey.states.size(); ++i) {
    if (survey.states[i] != State::kSame) changed.push_back(static_cast<uint32_t>(i));
  }
  const auto write = [&](uint32_t i, std::string_view bytes, Scratch&) -> Result<void> {
    // The staged manifest speaks of the bytes of the first time.
    KB_CHECK(Digest(bytes) == survey.digests[i]);
    const std::string staged = fmt::format("{}", i);
    if (auto made = CreateFile(stage, staged, bytes, ModeOf(source, i)); !made) return made;
    return MoveIntoPlace(stage, staged, root, source.PathOf(i));
  };
  Diagnostics repeated;  // what there is to say was said the first time
  return RenderSome(source, changed, options.threads, write, repeated);
}

}  // namespace

Result<void> UpdateTree(int root, const Source& source, const Options& options, Survey& survey) {
  // The order is what heals a run that dies. Deletions come first, while the manifests that list
  // the files still stand. Then the new manifest is staged, so that whatever is made from here on
  // is listed somewhere. It moves into its place last, and only then the stage goes.
  if (auto deleted = DeleteObsolete(root, survey); !deleted) return deleted;
  for (const std::string& path : survey.emptied) RemoveEmptyFolders(root, path);

  const std::string stage_name(kStageName);
  if (survey.manifest == State::kSame && !survey.differs()) {
    return RemoveTree(root, stage_name) ? Result<void>() : SystemError("remove", stage_name);
  }
  KB_TRY(stage, OpenStage(root));
  const std::string manifest(kManifestName);
  KB_TRY(manifest_bytes, WriteManifest(stage.get(), "next", source, survey.digests, options));
  survey.manifest_bytes = manifest_bytes;
  if (auto kept = KeepStagedManifest(stage.get()); !kept) return kept;
  if (auto staged = MoveIntoPlace(stage.get(), "next", stage.get(), manifest); !staged) {
    return staged;
  }
  if (auto written = WriteChanged(root, stage.get(), source, options, survey); !written) {
    return written;
  }
  if (auto moved = MoveIntoPlace(stage.get(), manifest, root, manifest); !moved) return moved;
  return RemoveTree(root, stage_name) ? Result<void>() : SystemError("remove", stage_name);
}

}  // namespace kb::write
