#include "run/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <optional>
#include <span>
#include <utility>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/digest.h"
#include "base/strings.h"
#include "base/workers.h"
#include "write/manifest.h"
#include "write/posix.h"

namespace kb::run {
namespace {

using nlohmann::json;
using write::Fd;

constexpr size_t kShownMax = 5;  // findings in one message
constexpr std::string_view kSumsName = "SHA256SUMS", kSignatureName = "SHA256SUMS.sig";

bool StaysInside(std::string_view path) {
  return std::ranges::none_of(Split(path, '/'), [](std::string_view part) {
    return part.empty() || part == "." || part == ".." || part.contains('\n');
  });
}

bool IsDigest(std::string_view text) {
  return text.size() == 2 * sizeof(Sha256) &&
         std::ranges::all_of(text, [](char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); });
}

Result<std::string> ReadOpen(const Fd& fd, const std::string& path) {
  struct stat status;
  if (!fd.ok() || fstat(fd.get(), &status) != 0) return write::SystemError("read", path);
  std::string bytes(static_cast<size_t>(status.st_size), '\0');
  size_t size = 0;
  // One byte more than it says it has: it must not have grown.
  bytes.push_back('\0');
  while (size < bytes.size()) {
    const ssize_t count = read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return write::SystemError("read", path);
    if (count == 0) break;
    size += static_cast<size_t>(count);
  }
  bytes.resize(size);
  return bytes;
}

Result<std::vector<TreeFile>> ParseManifest(std::string_view text) {
  const json root = json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto wrong = [](std::string_view what) {
    return Fail(fmt::format("{}: {}", write::kManifestName, what));
  };
  if (!root.is_object() || !root.contains("files") || !root["files"].is_array()) {
    return wrong("is not a manifest");
  }
  const auto text_of = [](const json& row, const char* key) -> std::string {
    const auto found = row.find(key);
    return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  std::vector<TreeFile> files;
  for (const json& row : root["files"]) {
    if (!row.is_object()) return wrong("a file is not a record");
    const std::string mode = text_of(row, "mode");
    TreeFile file{text_of(row, "path"), text_of(row, "sha256"), mode == "0755"};
    if (!StaysInside(file.path)) return wrong(fmt::format("`{}` is no path", file.path));
    if (!IsDigest(file.sha256) || (mode != "0755" && mode != "0644")) {
      return wrong(fmt::format("`{}` has no digest or mode", file.path));
    }
    files.push_back(std::move(file));
  }
  std::ranges::sort(files, {}, &TreeFile::path);
  const auto twice = std::ranges::adjacent_find(files, {}, &TreeFile::path);
  if (twice != files.end()) return wrong(fmt::format("`{}` stands there twice", twice->path));
  return files;
}

// What a bundle carries besides the tree: archives of images, packages, its own papers. SHA256SUMS
// lists the whole, a line each: "0644 <sha256>  <path>".
Result<void> AddCarried(std::string_view sums, std::vector<TreeFile>& files) {
  constexpr size_t kModeSize = 4, kPathAt = kModeSize + 1 + 2 * sizeof(Sha256) + 2;
  const size_t rendered = files.size();
  const auto listed = std::span(files).first(rendered);
  std::vector<TreeFile> carried;
  for (std::string_view line : Split(sums, '\n')) {
    if (line.empty()) continue;
    const auto wrong = [&] { return Fail(fmt::format("{}: cannot read `{}`", kSumsName, line)); };
    if (line.size() <= kPathAt) return wrong();
    const std::string_view mode = line.substr(0, kModeSize);
    TreeFile file{std::string(line.substr(kPathAt)),
                  std::string(line.substr(kModeSize + 1, 2 * sizeof(Sha256))), mode == "0755",
                  true};
    if ((mode != "0644" && mode != "0755") || !IsDigest(file.sha256) || !StaysInside(file.path)) {
      return wrong();
    }
    if (file.path == write::kManifestName ||
        std::ranges::binary_search(listed, file.path, {}, &TreeFile::path)) {
      continue;
    }
    carried.push_back(std::move(file));
  }
  std::ranges::move(carried, std::back_inserter(files));
  std::ranges::sort(files, {}, &TreeFile::path);
  const auto twice = std::ranges::adjacent_find(files, {}, &TreeFile::path);
  if (twice == files.end()) return {};
  return Fail(fmt::format("{}: `{}` stands there twice", kSumsName, twice->path));
}

// Everything below a folder that is not a folder itself, sorted.
bool ListAll(int root, const std::string& prefix, std::vector<std::string>& paths) {
  std::vector<std::string> folders;
  const bool read = write::ForEachEntry(root, [&](std::string_view name, unsigned char type) {
    (type == DT_DIR ? folders : paths).push_back(prefix + std::string(name));
  });
  if (!read) return false;
  for (const std::string& folder : folders) {
    const std::string name(write::BaseName(folder));
    const Fd below(openat(root, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below.ok() || !ListAll(below.get(), folder + '/', paths)) return false;
  }
  return true;
}

// What is wrong with one file; nothing if it is as the manifest says.
std::optional<std::string> Compare(int root, const TreeFile& file) {
  const Fd fd = write::OpenBeneath(root, file.path, O_RDONLY | O_NONBLOCK);
  if (!fd.ok() && errno == ENOENT) return file.path + " is missing";
  if (!fd.ok() && (errno == ELOOP || errno == ENOTDIR)) return file.path + " is behind a link";
  struct stat status;
  if (!fd.ok() || fstat(fd.get(), &status) != 0) return file.path + " cannot be read";
  if (!S_ISREG(status.st_mode)) return file.path + " is not a regular file";
  if ((status.st_mode & 07000) != 0) return file.path + " has a set-id or sticky bit";
  if (((status.st_mode & S_IXUSR) != 0) != file.executable) {
    return file.path + (file.executable ? " is not executable" : " is executable");
  }
  const Result<std::string> bytes = ReadOpen(fd, file.path);
  if (!bytes) return file.path + " cannot be read";
  if (Hex(Digest(*bytes)) != file.sha256) return file.path + " has other contents";
  return std::nullopt;
}

Result<void> Verify(int root, const std::vector<TreeFile>& files, unsigned threads) {
  std::vector<std::string> there;
  if (!ListAll(root, "", there)) return write::SystemError("list", "the tree");
  std::ranges::sort(there);
  std::vector<std::string> findings;
  for (const std::string& path : there) {
    if (path == write::kManifestName || path == kSumsName || path == kSignatureName) continue;
    if (!std::ranges::binary_search(files, path, {}, &TreeFile::path)) {
      findings.push_back(path + " is not in the manifest");
    }
  }
  std::vector<std::optional<std::string>> compared(files.size());
  ForEach(files.size(), threads,
          [&](size_t i, unsigned) { compared[i] = Compare(root, files[i]); });
  for (auto& finding : compared) {
    if (finding) findings.push_back(std::move(*finding));
  }
  if (findings.empty()) return {};
  const size_t count = findings.size();
  if (count > kShownMax) findings.resize(kShownMax);
  std::string text = Join(findings, "; ");
  if (count > kShownMax) text += fmt::format("; and {} more", count - kShownMax);
  return Fail("the tree is not what was rendered: " + text);
}

int FindFile(const Tree& tree, std::string_view path) {
  const auto at = std::ranges::lower_bound(tree.files, path, {}, &TreeFile::path);
  return at != tree.files.end() && at->path == path ? static_cast<int>(at - tree.files.begin())
                                                    : -1;
}

// Every step has its script wherever it runs.
Result<void> CheckScripts(const Tree& tree) {
  for (const Step& step : tree.plan.steps) {
    for (int server : step.servers) {
      const std::string path =
          step.on_install
              ? "modules/" + step.script
              : fmt::format("servers/{}/{}", tree.plan.servers[server].name, step.script);
      if (FindFile(tree, path) < 0) {
        return Fail(fmt::format("{} names {}, which the tree does not have", kPlanName, path));
      }
    }
  }
  return {};
}

}  // namespace

Result<Tree> ReadTree(const std::string& root, unsigned threads) {
  const auto within = [&](Error error) {
    return std::unexpected(std::move(error).Within(fmt::format("reading `{}`", root)));
  };
  const Fd folder(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) return write::SystemError("open", root);
  const std::string manifest_name(write::kManifestName);
  auto manifest = ReadOpen(write::OpenBeneath(folder.get(), manifest_name, O_RDONLY | O_NONBLOCK),
                           manifest_name);
  if (!manifest) return within(std::move(manifest).error());
  auto files = ParseManifest(*manifest);
  if (!files) return within(std::move(files).error());
  const std::string sums_name(kSumsName);
  if (const Fd sums = write::OpenBeneath(folder.get(), sums_name, O_RDONLY | O_NONBLOCK);
      sums.ok()) {
    auto text = ReadOpen(sums, sums_name);
    if (!text) return within(std::move(text).error());
    if (auto added = AddCarried(*text, *files); !added) {
      return within(std::move(added).error());
    }
  }
  if (auto same = Verify(folder.get(), *files, threads); !same) {
    return within(std::move(same).error());
  }
  Tree tree{.root = root, .id = Hex(Digest(*manifest)), .files = std::move(*files)};
  const int plan_file = FindFile(tree, kPlanName);
  if (plan_file < 0) return within({fmt::format("there is no {}", kPlanName)});
  auto text = ReadVerified(tree, tree.files[plan_file]);
  if (!text) return within(std::move(text).error());
  auto plan = ParsePlan(*text);
  if (!plan) return within(std::move(plan).error());
  tree.plan = std::move(*plan);
  if (auto scripts = CheckScripts(tree); !scripts) return within(std::move(scripts).error());
  return tree;
}

Result<std::string> ReadVerified(const Tree& tree, const TreeFile& file) {
  const Fd folder(open(tree.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) return write::SystemError("open", tree.root);
  auto bytes =
      ReadOpen(write::OpenBeneath(folder.get(), file.path, O_RDONLY | O_NONBLOCK), file.path);
  if (!bytes) return bytes;
  if (Hex(Digest(*bytes)) != file.sha256) {
    return Fail(fmt::format("`{}/{}` was changed while it was used", tree.root, file.path));
  }
  return bytes;
}

}  // namespace kb::run
