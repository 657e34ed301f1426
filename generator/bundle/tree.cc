#include "bundle/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include <fmt/core.h>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/strings.h"
#include "diag/kinds.h"
#include "write/manifest.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

using Json = nlohmann::json;
using write::Fd;

struct Found {
  std::string path;
  bool file = false;
};

// Everything below the folder that is no folder.
Result<void> Walk(int folder, const std::string& prefix, std::vector<Found>& found) {
  std::vector<std::string> folders;
  const bool listed = write::ForEachEntry(folder, [&](std::string_view name, unsigned char type) {
    std::string path = prefix + std::string(name);
    if (type == DT_DIR) {
      folders.push_back(std::move(path));
    } else {
      found.push_back({std::move(path), type == DT_REG});
    }
  });
  if (!listed) return write::SystemError("list", prefix);
  for (const std::string& path : folders) {
    const Fd below(openat(folder, std::string(write::BaseName(path)).c_str(),
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!below.ok()) return write::SystemError("list", path);
    if (auto walked = Walk(below.get(), path + "/", found); !walked) return walked;
  }
  return {};
}

std::string TextOf(const Json& object, const char* name) {
  const auto at = object.find(name);
  return at != object.end() && at->is_string() ? at->get<std::string>() : std::string();
}

const Json& ListOf(const Json& object, const char* name) {
  static const Json kNone = Json::array();
  const auto at = object.find(name);
  return at != object.end() && at->is_array() ? *at : kNone;
}

struct Entry {
  std::string digest;
  std::string mode;
};

// What the manifest lists. An Error where it is none: nothing can be compared with it.
Result<std::map<std::string, Entry>> ReadManifest(const std::string& text, Tree& tree) {
  const Json manifest = Json::parse(text, nullptr, false);
  if (!manifest.is_object() || manifest.value("kbgen", Json()) != 1) {
    return Fail(fmt::format("{}/{} is no manifest of this kbgen", tree.root, write::kManifestName));
  }
  tree.topology = TextOf(manifest, "topology");
  std::map<std::string, Entry> entries;
  for (const Json& line : ListOf(manifest, "files")) {
    const std::string path = TextOf(line, "path");
    if (!IsPortable(path)) return Fail(fmt::format("the manifest lists a path `{}`", path));
    if (!entries.emplace(path, Entry{TextOf(line, "sha256"), TextOf(line, "mode")}).second) {
      return Fail(fmt::format("the manifest lists `{}` twice", path));
    }
  }
  return entries;
}

Result<void> ReadPlan(Tree& tree) {
  KB_TRY(text, ReadFile(JoinPath(tree.root, "PLAN.json")));
  const Json plan = Json::parse(text, nullptr, false);
  if (!plan.is_object()) return Fail(fmt::format("{}/PLAN.json is no plan", tree.root));
  tree.private_network = TextOf(plan, "private");
  tree.domain = TextOf(plan, "domain");
  std::set<std::string> credentials;
  for (const Json& server : ListOf(plan, "servers")) {
    tree.servers.push_back({TextOf(server, "name"), TextOf(server, "ip"), TextOf(server, "os")});
  }
  for (const Json& service : ListOf(plan, "services")) {
    tree.services.push_back({TextOf(service, "name"), TextOf(service, "folder")});
    for (const Json& secret : ListOf(service, "credentials")) {
      credentials.insert(TextOf(secret, "file") + ":" + TextOf(secret, "key"));
    }
  }
  tree.credentials.assign(credentials.begin(), credentials.end());
  return {};
}

std::string ModeText(uint32_t mode) { return fmt::format("{:04o}", mode); }

// Compares one file that is there with what is listed, and keeps it.
Result<void> Compare(int root, const std::string& path, const Entry& listed, Tree& tree,
                     Diagnostics& diags) {
  KB_TRY(file, Measure(root, path));
  if (Hex(file.digest) != listed.digest) {
    diags.Emit(diag::kTreeDiffers, {}, path, "its bytes are others");
  } else if (ModeText(file.mode) != listed.mode) {
    diags.Emit(diag::kTreeDiffers, {}, path,
               fmt::format("its mode is {}, not {}", ModeText(file.mode), listed.mode));
  }
  tree.files.push_back(std::move(file));
  return {};
}

}  // namespace

bool IsPortable(std::string_view path) {
  if (path.empty() || path.size() > 240) return false;
  for (const char c : path) {
    if (c <= ' ' || c > '~' || c == '\\') return false;
  }
  for (std::string_view name : Split(path, '/')) {
    if (name.empty() || name == "." || name == "..") return false;
  }
  return true;
}

Result<File> Measure(int root, const std::string& path) {
  const Fd fd = write::OpenBeneath(root, path, O_RDONLY);
  struct stat status;
  if (!fd.ok() || fstat(fd.get(), &status) != 0) return write::SystemError("read", path);
  if (!S_ISREG(status.st_mode)) return Fail(fmt::format("`{}` is no file", path));
  if ((status.st_mode & 07000) != 0) return Fail(fmt::format("`{}` has a special mode", path));
  // What a checkout and a umask decide does not count.
  const bool script = (status.st_mode & 0100) != 0;
  File file{.path = path, .mode = script ? kScriptMode : kPlainMode};
  Hasher hasher;
  std::string buffer(1 << 16, '\0');
  while (true) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return write::SystemError("read", path);
    if (got == 0) break;
    hasher.Add({buffer.data(), static_cast<size_t>(got)});
    file.size += static_cast<uint64_t>(got);
  }
  file.digest = hasher.Finish();
  return file;
}

Result<Checked<Tree>> ReadTree(const std::string& root, Diagnostics& diags) {
  Tree tree{.root = root};
  const Fd folder(open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.ok()) return write::SystemError("open", root);
  const std::string name(write::kManifestName);
  KB_TRY(text, ReadFile(JoinPath(root, name)));
  tree.id = Hex(Digest(text));
  KB_TRY(listed, ReadManifest(text, tree));
  std::vector<Found> found;
  if (auto walked = Walk(folder.get(), "", found); !walked) {
    return std::unexpected(std::move(walked).error().Within("reading " + root));
  }
  std::ranges::sort(found, {}, &Found::path);
  listed.emplace(name, Entry{tree.id, "0644"});
  for (const auto& [path, file] : found) {
    const auto entry = listed.find(path);
    if (entry == listed.end()) {
      diags.Emit(diag::kTreeDiffers, {}, path, "the manifest does not list it");
      continue;
    }
    const Entry wanted = std::move(entry->second);
    listed.erase(entry);
    if (!file) {
      diags.Emit(diag::kTreeDiffers, {}, path, "it is no ordinary file");
    } else if (auto compared = Compare(folder.get(), path, wanted, tree, diags); !compared) {
      return std::unexpected(std::move(compared).error());
    }
  }
  for (const auto& [path, entry] : listed) {
    diags.Emit(diag::kTreeDiffers, {}, path, "it is not there");
  }
  if (auto gate = diags.Gate(); !gate) return Checked<Tree>(std::unexpect, gate.error());
  if (auto plan = ReadPlan(tree); !plan) return std::unexpected(std::move(plan).error());
  return tree;
}

Result<std::string> ReadFileOf(const Tree& tree, const File& file) {
  const Fd root(open(tree.root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  const Fd fd = root.ok() ? write::OpenBeneath(root.get(), file.path, O_RDONLY) : Fd();
  if (!fd.ok()) return write::SystemError("read", file.path);
  std::string bytes(file.size + 1, '\0');
  size_t size = 0;
  while (size < bytes.size()) {
    const ssize_t got = read(fd.get(), bytes.data() + size, bytes.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return write::SystemError("read", file.path);
    if (got == 0) break;
    size += static_cast<size_t>(got);
  }
  bytes.resize(size);
  if (Digest(bytes) != file.digest) {
    return Fail(fmt::format("`{}` changed while it was read", JoinPath(tree.root, file.path)));
  }
  return bytes;
}

}  // namespace kb::bundle
