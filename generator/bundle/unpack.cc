#include "bundle/unpack.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/strings.h"
#include "bundle/memory.h"
#include "bundle/signature.h"
#include "bundle/stream.h"
#include "bundle/sums.h"
#include "write/manifest.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

using write::Fd;

// The few files that are looked into are small; a bundle that says otherwise is not ours.
constexpr uint64_t kKeptMax = 1 << 28;

struct Kept {
  std::string sums, signature, bundle, manifest;
};

// Takes the files of an archive as they come: hashes each, keeps what is looked into, and writes
// them when there is a folder to write to.
class Receiver {
 public:
  // `folder` may be invalid: nothing is written.
  explicit Receiver(int folder) : folder_(folder) {}

  Visitor visitor() {
    return {[this](const File& file) { return Begin(file); },
            [this](std::string_view bytes) { return Take(bytes); }};
  }

  Result<void> End() {
    if (files.empty() || !hasher_) return {};
    files.back().digest = std::exchange(hasher_, std::nullopt)->Finish();
    if (!out_.ok()) return {};
    const bool good = fsync(out_.get()) == 0 && out_.Close();
    return good ? Result<void>() : write::SystemError("write", files.back().path);
  }

  std::vector<File> files;
  std::set<std::string> folders;
  Kept kept;

 private:
  Result<void> Begin(const File& file) {
    if (auto ended = End(); !ended) return ended;
    files.push_back(file);
    hasher_.emplace();
    keep_ = file.path == kSumsName              ? &kept.sums
            : file.path == kSignatureName       ? &kept.signature
            : file.path == "BUNDLE.json"        ? &kept.bundle
            : file.path == write::kManifestName ? &kept.manifest
                                                : nullptr;
    if (keep_ != nullptr && file.size > kKeptMax) {
      return Fail(fmt::format("`{}` is too large", file.path));
    }
    if (folder_ < 0) return {};
    const Fd parent = write::MakeFolders(folder_, file.path);
    for (size_t at = file.path.find('/'); at != std::string::npos;
         at = file.path.find('/', at + 1)) {
      folders.insert(file.path.substr(0, at));
    }
    if (parent.ok()) {
      out_ = Fd(openat(parent.get(), std::string(write::BaseName(file.path)).c_str(),
                       O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, file.mode));
    }
    return parent.ok() && out_.ok() ? Result<void>() : write::SystemError("write", file.path);
  }

  Result<void> Take(std::string_view bytes) {
    hasher_->Add(bytes);
    if (keep_ != nullptr) keep_->append(bytes);
    if (out_.ok() && !write::WriteAll(out_.get(), bytes)) {
      return write::SystemError("write", files.back().path);
    }
    return {};
  }

  int folder_;
  Fd out_;
  std::optional<Hasher> hasher_;
  std::string* keep_ = nullptr;
};

// Every file is in the signed list, as it is there, and every one of the list is there.
Result<void> CompareWithSums(const std::vector<File>& files, std::string_view text) {
  KB_TRY(listed, ReadSums(text));
  auto wanted = listed.begin();
  for (const File& file : files) {
    if (file.path == kSumsName || file.path == kSignatureName) continue;
    if (wanted != listed.end() && wanted->path < file.path) {
      return Fail(fmt::format("`{}` is missing", wanted->path));
    }
    if (wanted == listed.end() || wanted->path != file.path) {
      return Fail(fmt::format("`{}` does not belong to the bundle: {} does not list it", file.path,
                              kSumsName));
    }
    if (wanted->digest != file.digest) return Fail(fmt::format("`{}` has other bytes", file.path));
    if (wanted->mode != file.mode) {
      return Fail(fmt::format("`{}` has the mode {:04o} instead of {:04o}", file.path, file.mode,
                              wanted->mode));
    }
    ++wanted;
  }
  if (wanted != listed.end()) return Fail(fmt::format("`{}` is missing", wanted->path));
  return {};
}

// What BUNDLE.json says, if it fits the rest.
Result<void> ReadFacts(const Kept& kept, const std::string& top, UnpackedBundle& bundle) {
  const auto json = nlohmann::json::parse(kept.bundle, nullptr, false);
  const bool known = json.is_object() && json.contains("format") && json["format"] == 1;
  if (!known) return Fail("BUNDLE.json is of no format that this kbgen reads");
  for (const char* name : {"topology", "tree"}) {
    if (!json.contains(name) || !json[name].is_string()) {
      return Fail(fmt::format("BUNDLE.json has no {}", name));
    }
  }
  if (!json.contains("serial") || !json["serial"].is_number_unsigned()) {
    return Fail("BUNDLE.json has no serial");
  }
  bundle.topology = json["topology"].get<std::string>();
  bundle.tree = json["tree"].get<std::string>();
  bundle.serial = json["serial"].get<uint64_t>();
  if (Hex(Digest(kept.manifest)) != bundle.tree) return Fail("BUNDLE.json is of another tree");
  if (top != fmt::format("{}-{}", bundle.topology, bundle.tree.substr(0, 12))) {
    return Fail(fmt::format("the bundle's folder `{}` is named for another tree", top));
  }
  return {};
}

Result<UnpackedBundle> Receive(const std::string& file, int folder, const VerifyOptions& options,
                               std::set<std::string>& folders) {
  const Fd fd(open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return write::SystemError("read", file);
  const std::string beside = file + ".sig";
  if (!PathExists(beside)) return Fail(fmt::format("there is no signature `{}`", beside));
  KB_TRY(signature, ReadFile(beside));
  KB_TRY(signer, Verify(options.signers, signature, fd.get()));
  Receiver receiver(folder);
  KB_TRY(top, ReadArchive(fd.get(), receiver.visitor()));
  if (auto ended = receiver.End(); !ended) return std::unexpected(std::move(ended).error());
  const Kept& kept = receiver.kept;
  if (kept.sums.empty()) return Fail(fmt::format("`{}` is missing", kSumsName));
  if (kept.signature.empty()) return Fail(fmt::format("`{}` is missing", kSignatureName));
  const auto inner = Verify(options.signers, kept.signature, kept.sums);
  if (!inner) return std::unexpected(Error(inner.error()).Within(std::string(kSumsName)));
  if (auto compared = CompareWithSums(receiver.files, kept.sums); !compared) {
    return std::unexpected(std::move(compared).error());
  }
  UnpackedBundle bundle{.signer = signer};
  if (auto read = ReadFacts(kept, top, bundle); !read) {
    return std::unexpected(std::move(read).error());
  }
  if (!options.topology.empty() && bundle.topology != options.topology) {
    return Fail(
        fmt::format("it is a bundle of `{}`, not of `{}`", bundle.topology, options.topology));
  }
  bundle.files = std::move(receiver.files);
  folders = std::move(receiver.folders);
  return bundle;
}

bool Sync(int root, const std::string& path) {
  const Fd folder = write::OpenBeneath(root, path, O_RDONLY | O_DIRECTORY);
  return folder.ok() && fsync(folder.get()) == 0;
}

// Checks against what is remembered, then remembers this one.
Result<void> Remember(const UnpackedBundle& bundle, const std::string& path) {
  if (path.empty()) return {};
  KB_TRY(memory, ReadMemory(path));
  if (memory) {
    if (auto fits = Allows(*memory, bundle); !fits) return fits;
  }
  return WriteMemory(path, bundle);
}

Result<void> Recall(const UnpackedBundle& bundle, const std::string& path) {
  if (path.empty()) return {};
  KB_TRY(memory, ReadMemory(path));
  return memory ? Allows(*memory, bundle) : Result<void>();
}

}  // namespace

Result<UnpackedBundle> Verify(const std::string& file, const VerifyOptions& options) {
  std::set<std::string> folders;
  auto bundle = Receive(file, -1, options, folders);
  if (!bundle) return std::unexpected(Error(bundle.error()).Within(file));
  if (auto kept = Remember(*bundle, options.newer_than); !kept) {
    return std::unexpected(std::move(kept).error().Within(file));
  }
  return bundle;
}

Result<UnpackedBundle> Unpack(const std::string& file, const std::string& folder,
                              const VerifyOptions& options) {
  std::string target = folder;
  while (target.size() > 1 && target.ends_with('/')) target.pop_back();
  if (PathExists(target)) return Fail(fmt::format("`{}` is there already", target));
  const std::string above = DirectoryOf(target).empty() ? "." : DirectoryOf(target);
  const Fd parent(open(above.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!parent.ok()) return write::SystemError("open", above);
  const std::string name(write::BaseName(target));
  const std::string stage = fmt::format(".{}.kbgen-new-{}", name, getpid());
  const write::UmaskGuard umask;
  if (!write::RemoveTree(parent.get(), stage) || mkdirat(parent.get(), stage.c_str(), 0755) != 0) {
    return write::SystemError("make", stage);
  }
  const Fd root(openat(parent.get(), stage.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto refuse = [&](Error error) -> Result<UnpackedBundle> {
    write::RemoveTree(parent.get(), stage);
    return std::unexpected(std::move(error).Within(file));
  };
  std::set<std::string> folders;
  auto bundle = Receive(file, root.get(), options, folders);
  if (!bundle) return refuse(bundle.error());
  if (auto fits = Recall(*bundle, options.newer_than); !fits) return refuse(fits.error());
  const bool synced =
      std::ranges::all_of(folders,
                          [&](const std::string& path) { return Sync(root.get(), path); }) &&
      fsync(root.get()) == 0;
  const bool moved =
      synced &&
      renameat2(parent.get(), stage.c_str(), parent.get(), name.c_str(), RENAME_NOREPLACE) == 0 &&
      fsync(parent.get()) == 0;
  if (!moved) return refuse(write::SystemError("make", target).error());
  // Only now: a bundle that could not be unpacked must not make an older one look old.
  if (auto kept = Remember(*bundle, options.newer_than); !kept) {
    return std::unexpected(std::move(kept).error());
  }
  bundle->folder = target;
  return bundle;
}

}  // namespace kb::bundle
