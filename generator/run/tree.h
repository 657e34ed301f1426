// Tree: a rendered output folder whose every file is what its MANIFEST.json says, and what is
// shipped and run from it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "run/plan.h"

namespace kb::run {

struct TreeFile {
  std::string path;  // below the tree's root
  std::string sha256;
  bool executable = false;
  bool carried = false;  // a bundle brought it besides: SHA256SUMS lists it, the manifest does not
};

struct Tree {
  std::string root;
  std::string id;               // sha256 of MANIFEST.json's bytes, in hex
  std::vector<TreeFile> files;  // all but MANIFEST.json, by path
  Plan plan;
  std::string readable_id() const { return id.substr(0, 12); }
};

// Reads the plan and compares every file with the manifest: path, type, executable bit, digest.
// Extra files, missing ones and symbolic links anywhere below `root` are refused; the error names
// the first few. What git or an editor leaves (.git, a swap file) is extra as well: what is
// executed is what was reviewed. Each file is hashed once, on up to `threads` threads.
Result<Tree> ReadTree(const std::string& root, unsigned threads);

// Reads a file of the tree again and compares once more: nothing that was changed after ReadTree
// gets onto a server.
Result<std::string> ReadVerified(const Tree& tree, const TreeFile& file);

// What lies on a server below the plan's root.
struct Shipped {
  std::string path;  // there: "04-redis/redis_02.sh", "lib/host.sh", "images/redis/Dockerfile"
  int file = -1;     // index into tree.files
};

// All that is shipped to `server`, by path.
std::vector<Shipped> ShippedTo(const Tree& tree, int server);

// sha256 in hex over "<mode> <sha256>  <path>\n" of those files: which generation a server has.
std::string GenerationOf(const Tree& tree, int server);
// The name of its folder: the first 16 digits.
inline std::string_view GenerationName(std::string_view generation) {
  return generation.substr(0, 16);
}

// sha256 in hex over what a step reads on one server: its script, what its folder holds below its
// top level, lib and the images of its service. For steps of the install host: the script below
// modules/ and lib, as they lie in the tree. A receipt with the same input says: done.
std::string InputOf(const Tree& tree, int step, int server);

// What the schedule must know of a tree: plan.servers.size() generation ids, and for each step one
// input a server of it, in the order of Step::servers. Indexes the tree once, so it costs about as
// much for all as for one.
struct Expected {
  std::vector<std::string> generations;
  std::vector<std::vector<std::string>> inputs;
};
Expected ExpectedOf(const Tree& tree);

}  // namespace kb::run
