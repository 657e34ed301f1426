#include "bundle/needs.h"

#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::bundle {
namespace {

// The service whose folder the path leads through, or nothing.
std::string ServiceOf(const Tree& tree, std::string_view path) {
  const auto parts = Split(path, '/');
  const size_t at = parts[0] == "servers" ? 2 : parts[0] == "modules" ? 1 : parts.size();
  if (at >= parts.size()) return {};
  for (const Tree::Service& service : tree.services) {
    if (service.folder == parts[at]) return service.name;
  }
  return {};
}

std::string SystemOf(const Tree& tree, std::string_view path) {
  const auto parts = Split(path, '/');
  if (parts[0] != "servers" || parts.size() < 2) return {};
  for (const Tree::Server& server : tree.servers) {
    if (server.name == parts[1]) return server.os;
  }
  return {};
}

const Package* FindPackage(const Packages& packages, std::string_view name,
                           std::string_view system) {
  for (const Package& package : packages.all) {
    const bool fits = package.system.empty() || package.system == system;
    if (package.name == name && fits) return &package;
  }
  return nullptr;
}

// What is wrong with the packages for one need, or nothing.
std::string Missing(const Need& need, const Packages& packages) {
  std::set<std::string> systems = need.systems;
  if (systems.empty()) systems.insert("");
  for (const std::string& system : systems) {
    const std::string where = system.empty() ? "" : " for " + system;
    const Package* package = FindPackage(packages, need.what, system);
    if (package == nullptr) return need.what + where;
    const bool fits =
        need.wanted.empty() || fnmatch(need.wanted.c_str(), package->version.c_str(), 0) == 0;
    if (!fits) {
      return fmt::format("{} {}{} (there is {})", need.what, need.wanted, where, package->version);
    }
  }
  return {};
}

}  // namespace

std::vector<Need> GatherNeeds(const Tree& tree, const std::vector<Finding>& findings) {
  std::map<std::tuple<NeedKind, std::string, bool, std::string>, Need> needs;
  for (size_t i = 0; i < findings.size(); ++i) {
    const Finding& finding = findings[i];
    std::string what = finding.what, wanted;
    if (finding.kind == NeedKind::kPackage) {
      const size_t equals = what.find('=');
      if (equals != std::string::npos) wanted = what.substr(equals + 1);
      what = what.substr(0, equals);
    }
    const std::string recipe = finding.in_recipe ? finding.folder : "";
    Need& need = needs[{finding.kind, what, finding.in_recipe, recipe}];
    need.kind = finding.kind;
    need.what = what;
    need.in_recipe = finding.in_recipe;
    if (!wanted.empty()) need.wanted = wanted;
    if (!finding.folder.empty()) need.folder = finding.folder;
    if (auto service = ServiceOf(tree, finding.path); !service.empty())
      need.services.insert(service);
    if (auto system = SystemOf(tree, finding.path); !system.empty()) need.systems.insert(system);
    need.findings.push_back(i);
  }
  std::vector<Need> all;
  for (auto& [key, need] : needs) all.push_back(std::move(need));
  return all;
}

Result<std::vector<Image>> ImagesOf(const std::vector<Need>& needs) {
  std::vector<Image> images;
  std::map<std::string, std::string> owners;
  for (const Need& need : needs) {
    if (need.kind != NeedKind::kImage || need.in_recipe) continue;
    if (!need.folder.empty()) {
      const auto [at, fresh] = owners.emplace(need.folder, need.what);
      if (!fresh) {
        return Fail(fmt::format("`{}` and `{}` are both looked for in images/{}", at->second,
                                need.what, need.folder));
      }
    }
    images.push_back(
        {need.what, need.folder, {need.services.begin(), need.services.end()}, false, {}});
  }
  return images;
}

Result<void> Cover(std::vector<Need>& needs, const std::vector<Image>& images,
                   const Packages& packages) {
  const auto has = [&](std::string_view value, std::string Image::* member) {
    return std::ranges::any_of(
        images, [&](const Image& image) { return image.carried && image.*member == value; });
  };
  std::vector<std::string> missing;
  for (Need& need : needs) {
    if (need.in_recipe) {
      need.carried = has(need.folder, &Image::folder);
    } else if (need.kind == NeedKind::kImage) {
      need.carried = has(need.what, &Image::ref);
    } else if (need.kind == NeedKind::kPackage && !packages.all.empty()) {
      need.carried = true;
      if (std::string what = Missing(need, packages); !what.empty()) missing.push_back(what);
    } else if (need.kind == NeedKind::kSource && need.what == kUpgrades) {
      need.carried = !packages.all.empty();
    }
  }
  if (missing.empty()) return {};
  return Fail(fmt::format("these packages are needed and not there: {}", Join(missing, ", ")));
}

}  // namespace kb::bundle
