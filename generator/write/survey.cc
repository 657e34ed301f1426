#include "write/survey.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <functional>
#include <iterator>
#include <utility>

#include <fmt/core.h>

#include "base/workers.h"
#include "write/manifest.h"
#include "write/pass.h"
#include "write/posix.h"

namespace kb::write {
namespace {

using State = Survey::State;

constexpr size_t kReadSize = 64 * 1024;

// The paths that should stand in the tree, as hashes, to keep memory small. Two paths of one hash
// are harmless: a file is never deleted because it is in this set, so the worst that a collision
// does is that one stale file stays, or one foreign file is not mentioned (once in 10^12 runs).
class PathSet {
 public:
  PathSet(const Source& source, unsigned threads) : hashes_(source.size()) {
    constexpr size_t kChunk = 1024;
    ForEach((hashes_.size() + kChunk - 1) / kChunk, threads, [&](size_t chunk, unsigned) {
      const size_t end = std::min((chunk + 1) * kChunk, hashes_.size());
      for (size_t i = chunk * kChunk; i < end; ++i) hashes_[i] = Hash(source.PathOf(i));
    });
    std::ranges::sort(hashes_);
    // Hashes are even, so their leading bits lead to within a few of them: one cache line, where a
    // binary search touches ten.
    while (shift_ > 0 && hashes_.size() >> (64 - shift_) > kBucket) --shift_;
    begins_.resize((size_t{1} << (64 - shift_)) + 1);
    for (size_t i = 0, bucket = 0; bucket < begins_.size(); ++bucket) {
      while (i < hashes_.size() && BucketOf(hashes_[i]) < bucket) ++i;
      begins_[bucket] = static_cast<uint32_t>(i);
    }
  }
  bool Contains(std::string_view path) const {
    const uint64_t hash = Hash(path);
    const size_t bucket = BucketOf(hash);
    const auto begin = hashes_.begin();
    return std::find(begin + begins_[bucket], begin + begins_[bucket + 1], hash) !=
           begin + begins_[bucket + 1];
  }

 private:
  static constexpr size_t kBucket = 8;  // hashes, on average

  static uint64_t Hash(std::string_view path) { return std::hash<std::string_view>{}(path); }
  size_t BucketOf(uint64_t hash) const { return hash >> shift_; }

  std::vector<uint64_t> hashes_;
  std::vector<uint32_t> begins_;  // by leading bits
  unsigned shift_ = 63;
};

// Of the permissions only those are compared that git keeps: another umask in a checkout is no
// difference that anybody wants to see.
bool SameMode(mode_t mode, bool executable) { return ((mode & S_IXUSR) != 0) == executable; }

bool SameBytes(int fd, std::string_view bytes, std::string& buffer) {
  buffer.resize(kReadSize);
  while (!bytes.empty()) {
    const ssize_t size = read(fd, buffer.data(), std::min(kReadSize, bytes.size()));
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0 || std::memcmp(buffer.data(), bytes.data(), static_cast<size_t>(size)) != 0) {
      return false;
    }
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

// kDiffers also for a link or a folder in its place.
Result<State> StateOf(int root, const std::string& path, std::string_view bytes, bool executable,
                      std::string& buffer) {
  // O_NONBLOCK: somebody may have put a pipe there.
  const Fd file = OpenBeneath(root, path, O_RDONLY | O_NONBLOCK);
  if (!file.ok()) {
    if (errno == ENOENT || errno == ENOTDIR) return State::kMissing;
    // ELOOP: a link. EACCES: what cannot be read can still be replaced.
    if (errno == ELOOP || errno == EACCES || errno == ENXIO) return State::kDiffers;
    return SystemError("open", path);
  }
  struct stat status;
  if (fstat(file.get(), &status) != 0) return SystemError("look at", path);
  const bool same = S_ISREG(status.st_mode) && SameMode(status.st_mode, executable) &&
                    static_cast<uint64_t>(status.st_size) == bytes.size() &&
                    SameBytes(file.get(), bytes, buffer);
  return same ? State::kSame : State::kDiffers;
}

// Every file of the tree that is not in a set, by a walk on several threads.
class Walk {
 public:
  Walk(int root, const PathSet& planned, unsigned threads)
      : root_(root), planned_(planned), threads_(std::max(threads, 1u)), found_(threads_) {}

  Result<std::vector<std::string>> Strangers() {
    // Two levels are listed first, for jobs to share: "servers/db-01" and its like.
    std::vector<std::string> level = {""};
    for (int depth = 0; depth < 2; ++depth) {
      std::vector<std::string> next;
      for (const std::string& folder : level) {
        if (!List(folder, found_[0], next)) return SystemError("list", folder);
      }
      level = std::move(next);
    }
    std::atomic<int> error = 0;
    ForEach(level.size(), threads_, [&](size_t i, unsigned worker) {
      const Fd folder = OpenBeneath(root_, level[i], kListFlags);
      const bool listed =
          folder.ok() ? Descend(folder.get(), level[i], found_[worker]) : errno == ENOENT;
      if (!listed) error = errno;
    });
    if (error != 0) return errno = error, SystemError("list", "the folders of the output tree");

    std::vector<std::string> all;
    for (auto& found : found_) std::ranges::move(found, std::back_inserter(all));
    std::ranges::sort(all);
    return all;
  }

 private:
  static constexpr int kListFlags = O_RDONLY | O_DIRECTORY;

  // Opens each folder from the one above it: most of the time of a run that changes nothing goes
  // into the kernel's way through long paths.
  bool Descend(int fd, const std::string& folder, std::vector<std::string>& found) const {
    std::vector<std::string> below;
    if (!ListOpen(fd, folder, found, below)) return false;
    return std::ranges::all_of(below, [&](const std::string& path) {
      const char* name = path.c_str() + (folder.empty() ? 0 : folder.size() + 1);
      const Fd next(openat(fd, name, kListFlags | O_NOFOLLOW | O_CLOEXEC));
      return next.ok() ? Descend(next.get(), path, found) : errno == ENOENT;
    });
  }

  bool List(const std::string& folder, std::vector<std::string>& found,
            std::vector<std::string>& folders) const {
    const Fd fd = OpenBeneath(root_, folder.empty() ? "." : folder, kListFlags);
    return fd.ok() ? ListOpen(fd.get(), folder, found, folders) : errno == ENOENT;
  }

  bool ListOpen(int fd, const std::string& folder, std::vector<std::string>& found,
                std::vector<std::string>& folders) const {
    std::string path = folder.empty() ? "" : folder + '/';
    const size_t length = path.size();
    return ForEachEntry(fd, [&](std::string_view name, unsigned char type) {
      path.resize(length);
      path += name;
      if (path == kManifestName || path == kStageName) return;
      if (type == DT_DIR) {
        folders.push_back(path);
      } else if (!planned_.Contains(path)) {
        found.push_back(path);
      }
    });
  }

  int root_;
  const PathSet& planned_;
  unsigned threads_;
  std::vector<std::vector<std::string>> found_;
};

bool DigestMatches(int root, const std::string& path, std::string_view hex) {
  const Fd file = OpenBeneath(root, path, O_RDONLY | O_NONBLOCK);
  if (!file.ok()) return false;
  std::string bytes;
  char buffer[16 * 1024];
  for (ssize_t size; (size = read(file.get(), buffer, sizeof buffer)) > 0;) {
    bytes.append(buffer, static_cast<size_t>(size));
  }
  return Hex(Digest(bytes)) == hex;
}

// Of every run that died since the last one that did not: a file may be of the first of them, while
// those after it had come no further than to stage what they wanted.
std::vector<std::string> StagedManifests(int root) {
  std::vector<std::string> names;
  const Fd stage = OpenBeneath(root, std::string(kStageName), O_RDONLY | O_DIRECTORY);
  if (!stage.ok()) return names;
  ForEachEntry(stage.get(), [&](std::string_view entry, unsigned char) {
    if (entry.starts_with(kManifestName)) names.emplace_back(entry);
  });
  std::ranges::sort(names);
  return names;
}

// Sorts the strangers into kbgen's own of earlier runs and foreign ones.
void FindObsolete(int root, const PathSet& planned, Survey& survey) {
  const std::vector<std::string> strangers = std::exchange(survey.foreign, {});
  const auto is_there = [&](std::string_view path) {
    return std::ranges::binary_search(strangers, path);
  };
  // An unchanged manifest lists what is planned and nothing else.
  const Fd old = OpenBeneath(root, std::string(kManifestName), O_RDONLY | O_NONBLOCK);
  if (old.ok() && survey.manifest != State::kSame) {
    ReadManifest(old.get(), [&](std::string_view path, std::string_view) {
      if (planned.Contains(path)) return;
      survey.emptied.emplace_back(path);
      if (is_there(path)) survey.obsolete.emplace_back(path);
    });
  }
  // A run that died had staged its manifest before it made the first file. It may not have come as
  // far as this one, so somebody else's file of that name is told apart by its digest.
  for (const std::string& name : StagedManifests(root)) {
    const Fd dead = OpenBeneath(root, fmt::format("{}/{}", kStageName, name), O_RDONLY);
    if (!dead.ok()) continue;
    ReadManifest(dead.get(), [&](std::string_view path, std::string_view digest) {
      if (planned.Contains(path)) return;
      survey.emptied.emplace_back(path);
      if (is_there(path) && DigestMatches(root, std::string(path), digest)) {
        survey.obsolete.emplace_back(path);
      }
    });
  }
  for (auto* paths : {&survey.obsolete, &survey.emptied}) {
    std::ranges::sort(*paths);
    const auto repeats = std::ranges::unique(*paths);
    paths->erase(repeats.begin(), repeats.end());
  }
  std::ranges::set_difference(strangers, survey.obsolete, std::back_inserter(survey.foreign));
}

// A foreign file where an artifact needs a folder, or in a folder where an artifact must stand,
// can neither be deleted nor be left alone: its owner must decide.
Result<void> CheckNothingBlocks(const Source& source, const PathSet& planned,
                                const Survey& survey) {
  for (const std::string& path : survey.foreign) {
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string_view above = std::string_view(path).substr(0, slash);
      if (!planned.Contains(above)) continue;
      return Fail(
          fmt::format("`{}` must become a file, but `{}` in that folder is not kbgen's: "
                      "move it away",
                      above, path));
    }
  }
  if (survey.foreign.empty()) return {};
  for (size_t i = 0; i < survey.states.size(); ++i) {
    if (survey.states[i] == State::kSame) continue;
    const std::string path = source.PathOf(i);
    for (size_t slash = path.find('/'); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
      const std::string above = path.substr(0, slash);
      if (!std::ranges::binary_search(survey.foreign, above)) continue;
      return Fail(
          fmt::format("`{}` must become a folder, but what stands there is not kbgen's: "
                      "move it away",
                      above));
    }
  }
  return {};
}

void SurveyManifest(int root, const Source& source, const Options& options, Survey& survey) {
  const Fd file = OpenBeneath(root, std::string(kManifestName), O_RDONLY | O_NONBLOCK);
  if (!file.ok()) {
    survey.manifest = errno == ENOENT ? State::kMissing : State::kDiffers;
    return;
  }
  const bool same = ManifestEquals(file.get(), source, survey.digests, options);
  survey.manifest = same ? State::kSame : State::kDiffers;
  struct stat status;
  if (same && fstat(file.get(), &status) == 0) {
    survey.manifest_bytes = static_cast<uint64_t>(status.st_size);
  }
}

}  // namespace

Result<Survey> SurveyTree(int root, const Source& source, const Options& options,
                          Diagnostics& diags) {
  Survey survey(source.size());
  std::atomic<uint64_t> bytes = 0;
  const auto compare = [&](uint32_t i, std::string_view text, Scratch& scratch) -> Result<void> {
    survey.digests[i] = Digest(text);
    bytes.fetch_add(text.size(), std::memory_order_relaxed);
    KB_TRY(state, StateOf(root, source.PathOf(i), text, source.IsExecutable(i), scratch.buffer));
    survey.states[i] = state;
    return {};
  };
  if (auto done = RenderAll(source, options.threads, compare, diags); !done) {
    return std::unexpected(std::move(done).error());
  }
  if (!diags.has_errors() && options.inspect) options.inspect(survey.digests, diags);
  if (diags.has_errors()) return survey;
  survey.bytes = bytes;

  SurveyManifest(root, source, options, survey);
  // Nobody asks for the digests again, and the next step takes memory.
  if (survey.manifest == State::kSame && !survey.differs()) survey.digests = Digests(0);
  const PathSet planned(source, options.threads);
  KB_TRY(strangers, Walk(root, planned, options.threads).Strangers());
  survey.foreign = std::move(strangers);
  FindObsolete(root, planned, survey);
  if (auto free = CheckNothingBlocks(source, planned, survey); !free) {
    return std::unexpected(std::move(free).error());
  }
  return survey;
}

}  // namespace kb::write
