// Needs: what an installation fetches or asks for, each once, and whether a bundle carries it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "bundle/audit.h"
#include "bundle/images.h"
#include "bundle/packages.h"
#include "bundle/tree.h"

namespace kb::bundle {

struct Need {
  NeedKind kind{};
  std::string what;    // of a package: its name alone
  std::string wanted;  // of a package: its version or a pattern of it; empty: any
  std::string folder;  // as Finding::folder
  bool in_recipe = false;
  bool carried = false;
  std::set<std::string> services;  // names
  std::set<std::string> systems;   // of the servers whose scripts say so
  std::vector<size_t> findings;    // indices, in their order; at least one

  bool left_over() const { return !carried && CanBeCarried(kind); }
};

// By kind, then name.
std::vector<Need> GatherNeeds(const Tree& tree, const std::vector<Finding>& findings);

// The images that hosts need, by name.
Result<std::vector<Image>> ImagesOf(const std::vector<Need>& needs);

// Says of every need whether these carry it. An Error names every package that is not among
// `packages`, when there are any: half of a repository is none.
Result<void> Cover(std::vector<Need>& needs, const std::vector<Image>& images,
                   const Packages& packages);

}  // namespace kb::bundle
