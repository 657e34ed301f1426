// Images: saved from a Docker engine, so that hosts need not ask a registry.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "bundle/archive.h"

namespace kb::bundle {

struct Image {
  std::string ref;                    // "redis:7.2.5-alpine"
  std::string folder;                 // of images/; empty: no script looks for it there
  std::vector<std::string> services;  // that need it, sorted
  bool carried = false;
  std::string digest;  // when carried: of its configuration, "sha256:…"
};

// Saves those that have a folder, each into a file of `workplace`, and marks them as carried. An
// image that the engine does not have is an Error that names all such.
Result<std::vector<Item>> SaveImages(std::vector<Image>& images, const std::string& workplace);

}  // namespace kb::bundle
