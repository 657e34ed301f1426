#include "bundle/packages.h"

#include <fcntl.h>

#include <algorithm>
#include <map>
#include <set>

#include <fmt/core.h>

#include "base/files.h"
#include "base/strings.h"
#include "bundle/process.h"
#include "write/posix.h"

namespace kb::bundle {
namespace {

std::string FieldOf(std::string_view control, std::string_view name) {
  for (std::string_view line : Split(control, '\n')) {
    if (line.starts_with(name) && line.substr(name.size()).starts_with(": ")) {
      return std::string(Trim(line.substr(name.size() + 2)));
    }
  }
  return {};
}

// One paragraph of the index: what the package says of itself, and where it lies.
std::string Paragraph(std::string_view control, const File& file, std::string_view name) {
  std::string text(Trim(control));
  text +=
      fmt::format("\nFilename: ./{}\nSize: {}\nSHA256: {}\n\n", name, file.size, Hex(file.digest));
  return text;
}

}  // namespace

Result<Packages> ReadPackages(const std::string& folder, const std::vector<std::string>& systems) {
  const write::Fd root(open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.ok()) return write::SystemError("read", folder);
  KB_TRY(paths, ListTree(folder));
  Packages packages;
  std::map<std::string, std::string> indexes;  // by system
  std::set<std::string> known;
  for (const std::string& path : paths) {
    const size_t slash = path.find('/');
    const std::string system = slash == std::string::npos ? "" : path.substr(0, slash);
    const std::string name(write::BaseName(path));
    const bool placed =
        slash == std::string::npos || (std::ranges::find(systems, system) != systems.end() &&
                                       path.find('/', slash + 1) == std::string::npos);
    if (!placed || !name.ends_with(".deb")) {
      return Fail(
          fmt::format("`{}` is no package: {} holds .deb files, or folders of them that are "
                      "called {}",
                      JoinPath(folder, path), folder, Join(systems, ", ")));
    }
    KB_TRY(file, Measure(root.get(), path));
    KB_TRY(control, RunWell({.words = {"dpkg-deb", "--field", JoinPath(folder, path)}}));
    file.path = "packages/" + path;
    file.mode = kPlainMode;
    if (!IsPortable(file.path)) return Fail(fmt::format("`{}` is no portable name", path));
    Package package{FieldOf(control, "Package"), FieldOf(control, "Version"),
                    FieldOf(control, "Architecture"), system, file};
    const std::string key = fmt::format("{} {} {}", system, package.name, package.architecture);
    if (package.name.empty() || package.version.empty()) {
      return Fail(fmt::format("`{}` does not say what it is", JoinPath(folder, path)));
    }
    if (!known.insert(key).second) {
      return Fail(fmt::format("{} holds `{}` in two versions", folder, package.name));
    }
    indexes[system] += Paragraph(control, file, name);
    packages.items.push_back({file, {}, JoinPath(folder, path)});
    packages.all.push_back(std::move(package));
  }
  if (packages.all.empty()) return Fail(fmt::format("`{}` holds no package", folder));
  if (indexes.size() > 1 && indexes.contains("")) {
    return Fail(fmt::format("`{}` holds packages beside folders of packages", folder));
  }
  for (auto& [system, text] : indexes) {
    packages.items.push_back(
        MakeItem(JoinPath(JoinPath("packages", system), "Packages"), std::move(text)));
  }
  return packages;
}

}  // namespace kb::bundle
