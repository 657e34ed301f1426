#include "run/kept.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <vector>

#include <fmt/core.h>

#include "base/files.h"
#include "write/manifest.h"

namespace kb::run {
namespace {

namespace fs = std::filesystem;

constexpr size_t kKeptMax = 5;
constexpr std::string_view kNew = ".new";

std::unexpected<Error> Failed(std::string_view doing, const std::string& path,
                              const std::error_code& error) {
  return Fail(fmt::format("cannot {} `{}`: {}", doing, path, error.message()));
}

// What is there, oldest first.
std::vector<fs::path> Kept(const std::string& folder) {
  std::error_code error;
  std::vector<std::pair<fs::file_time_type, fs::path>> found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (!at->path().string().ends_with(kNew))
      found.emplace_back(at->last_write_time(error), at->path());
  }
  std::ranges::sort(found);
  std::vector<fs::path> paths;
  for (const auto& [time, path] : found) paths.push_back(path);
  return paths;
}

}  // namespace

Result<void> KeepTree(const Tree& tree, const std::string& folder) {
  const std::string place = JoinPath(folder, tree.id);
  std::error_code error;
  if (fs::exists(place, error)) {
    // It counts as the newest again.
    fs::last_write_time(place, fs::file_time_type::clock::now(), error);
    return {};
  }
  const std::string made = place + std::string(kNew);
  fs::remove_all(made, error);
  for (const TreeFile& file : tree.files) {
    auto bytes = ReadVerified(tree, file);
    if (!bytes) return std::unexpected(std::move(bytes).error());
    const auto written =
        WriteFileAtomically(JoinPath(made, file.path), *bytes, file.executable ? 0755 : 0644);
    if (!written) return std::unexpected(written.error());
  }
  const std::string manifest(write::kManifestName);
  auto bytes = ReadFile(JoinPath(tree.root, manifest));
  if (!bytes) return std::unexpected(std::move(bytes).error());
  const auto written = WriteFileAtomically(JoinPath(made, manifest), *bytes, 0644);
  if (!written) return std::unexpected(written.error());
  fs::rename(made, place, error);
  if (error) return Failed("keep", place, error);
  const std::vector<fs::path> kept = Kept(folder);
  for (size_t i = 0; i + kKeptMax < kept.size(); ++i) {
    // The one that is being applied may be the oldest by a clock that was set back.
    if (kept[i] != place && kept[i] != tree.root) fs::remove_all(kept[i], error);
  }
  return {};
}

Result<std::string> FindKept(const std::string& folder, const History& history,
                             const std::string& to) {
  const std::vector<fs::path> kept = Kept(folder);
  const auto place_of = [&](std::string_view id) {
    std::vector<std::string> places;
    for (const fs::path& path : kept) {
      if (path.filename().string().starts_with(id)) places.push_back(path.string());
    }
    return places;
  };
  if (!to.empty()) {
    const auto places = place_of(to);
    if (places.size() == 1) return places[0];
    if (places.empty()) return Fail(fmt::format("no tree `{}` is kept in `{}`", to, folder));
    return Fail(fmt::format("several kept trees begin with `{}`", to));
  }
  const auto& records = history.records;
  const auto last = std::find_if(records.rbegin(), records.rend(),
                                 [](const Record& r) { return r.event == "run-begin"; });
  if (last == records.rend()) return Fail("the journal knows no run that could be taken back");
  for (auto at = last; at != records.rend(); ++at) {
    if (at->event != "run-begin" || at->tree == last->tree) continue;
    const auto places = place_of(at->tree);
    if (!places.empty()) return places[0];
  }
  return Fail(
      fmt::format("no tree from before {} is kept in `{}`", last->tree.substr(0, 12), folder));
}

}  // namespace kb::run
