// Audit: what the files of a tree would fetch from outside. Reads scripts as a shell does, image
// recipes, units and sources of packages as their programs do, and everything else for addresses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bundle/tree.h"

namespace kb::bundle {

enum class NeedKind : uint8_t {
  kImage,     // "redis:7.2.5-alpine"
  kPackage,   // of the operating system: "docker.io"
  kSource,    // of packages: "deb http://… stable main", a PPA, "upgrades"
  kLibrary,   // of a language: "pip: patroni==3.3.6"
  kDownload,  // "https://…", a host to fetch from
  kCheckout,  // of a version control system
  kServer,    // a name or an address outside, in a configuration: time, names, mail
  kProvider,  // the API of a provider of servers, by its command
};

std::string_view NameOf(NeedKind kind);

// What a person does about it, as help of a diagnostic and in BUNDLE.json.
std::string_view RemedyOf(NeedKind kind);

// Whether a bundle can carry it at all. The others are what a site has or has not: a clock to ask,
// a provider.
bool CanBeCarried(NeedKind kind);

// A source that is whatever the host has: `apt-get upgrade`.
inline constexpr std::string_view kUpgrades = "upgrades";

struct Finding {
  NeedKind kind{};
  std::string what;
  std::string path;    // in the tree
  uint32_t line = 0;   // from 1
  uint32_t begin = 0;  // of the line, in the file
  uint32_t end = 0;
  // Of an image: the folder of images/ where the same script looks for it before it asks a
  // registry. Of what a recipe needs: the folder that the recipe is in.
  std::string folder;
  bool in_recipe = false;
};

// What is inside: addresses that no bundle needs to carry.
struct Inside {
  std::string private_network;  // CIDR; empty: the three private ranges of RFC 1918
  std::string domain;
};

// Findings of one file, by line.
std::vector<Finding> AuditFile(std::string_view path, std::string_view bytes, bool script,
                               const Inside& inside);

// Of all files of a tree, by path and line.
Result<std::vector<Finding>> AuditTree(const Tree& tree);

}  // namespace kb::bundle
