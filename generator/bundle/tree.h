// Tree: an output tree on disk, proved to be what its MANIFEST.json lists.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "diag/diagnostic.h"

namespace kb::bundle {

inline constexpr uint32_t kPlainMode = 0644;
inline constexpr uint32_t kScriptMode = 0755;

struct File {
  std::string path;  // in the tree
  uint32_t mode = kPlainMode;
  uint64_t size = 0;
  Sha256 digest{};
};

struct Tree {
  std::string root;  // the folder
  std::string topology;
  std::string id;           // sha256 of MANIFEST.json, hex
  std::vector<File> files;  // MANIFEST.json among them, by path
  // Of PLAN.json.
  std::string private_network;  // CIDR; empty: it does not say
  std::string domain;           // empty: it does not say
  struct Server {
    std::string name, ip, os;  // "ubuntu-24.04"
  };
  std::vector<Server> servers;
  struct Service {
    std::string name, folder;
  };
  std::vector<Service> services;
  std::vector<std::string> credentials;  // "postgres.env:PASSWORD": names, never values
};

// Every difference between the folder and its manifest is reported: a file that is not there, one
// that is not listed, other bytes, another mode, something that is no file.
Result<Checked<Tree>> ReadTree(const std::string& root, Diagnostics& diags);

// The bytes of a file of the tree. An Error if they are no longer what ReadTree saw.
Result<std::string> ReadFileOf(const Tree& tree, const File& file);

// Whether a path can stand in a bundle and in a checksum list and mean the same to everybody:
// relative, printable ASCII without blanks and backslashes, every component a name.
bool IsPortable(std::string_view path);

// A regular file below `root`, never through a link.
Result<File> Measure(int root, const std::string& path);

}  // namespace kb::bundle
