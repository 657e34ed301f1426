// Packages: the .deb files that a bundle carries, as a repository that apt reads from disk.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bundle/archive.h"

namespace kb::bundle {

struct Package {
  std::string name, version, architecture;
  std::string system;  // "ubuntu-24.04": the folder that it lies in; empty: for every system
  File file;           // its path in the bundle
};

struct Packages {
  std::vector<Package> all;
  std::vector<Item> items;  // the files, and an index `Packages` a folder
};

// `folder` holds .deb files, or folders of them that are called like operating systems. Anything
// else in it is an Error: what is signed should be what was meant.
Result<Packages> ReadPackages(const std::string& folder, const std::vector<std::string>& systems);

}  // namespace kb::bundle
