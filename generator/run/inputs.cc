// What is shipped to servers, and the digests of it that receipts are compared with.
#include <algorithm>
#include <ranges>
#include <utility>

#include <fmt/core.h>

#include "base/digest.h"
#include "run/tree.h"

namespace kb::run {
namespace {

// The files below `folder` ("lib/"), as a range of tree.files.
std::pair<int, int> Below(const Tree& tree, std::string_view folder) {
  const auto begin = std::ranges::lower_bound(tree.files, folder, {}, &TreeFile::path);
  const auto end = std::find_if(begin, tree.files.end(), [&](const TreeFile& file) {
    return !file.path.starts_with(folder);
  });
  return {static_cast<int>(begin - tree.files.begin()), static_cast<int>(end - tree.files.begin())};
}

// Files below `folder` as they are called where they land: without their first `cut` characters.
void Add(const Tree& tree, std::string_view folder, size_t cut, std::vector<Shipped>& shipped) {
  const auto [begin, end] = Below(tree, folder);
  for (int i = begin; i < end; ++i) shipped.push_back({tree.files[i].path.substr(cut), i});
}

void AddImages(const Tree& tree, const std::vector<std::string>& images,
               std::vector<Shipped>& shipped) {
  for (const std::string& image : images) {
    Add(tree, fmt::format("images/{}/", image), 0, shipped);
  }
}

// A bundle's packages: those for the server's system where they are sorted by system, else all.
void AddPackages(const Tree& tree, const Server& server, std::vector<Shipped>& shipped) {
  const std::string own = fmt::format("packages/{}/", server.os);
  const auto [begin, end] = Below(tree, own);
  Add(tree, begin == end ? "packages/" : own, 0, shipped);
}

void Order(std::vector<Shipped>& shipped) {
  std::ranges::sort(shipped, {}, &Shipped::path);
  // Two services of one server may use the same image.
  const auto rest = std::ranges::unique(shipped, {}, &Shipped::path);
  shipped.erase(rest.begin(), rest.end());
}

std::string DigestOf(const Tree& tree, const std::vector<Shipped>& shipped) {
  std::string lines;
  for (const Shipped& file : shipped) {
    const TreeFile& of = tree.files[file.file];
    lines.append(of.executable ? "0755 " : "0644 ").append(of.sha256).append("  ");
    lines.append(file.path).append("\n");
  }
  return Hex(Digest(lines));
}

}  // namespace

std::vector<Shipped> ShippedTo(const Tree& tree, int server) {
  const Server& row = tree.plan.servers[server];
  const std::string folder = fmt::format("servers/{}/", row.name);
  std::vector<Shipped> shipped;
  Add(tree, folder, folder.size(), shipped);
  Add(tree, "lib/", 0, shipped);
  for (int service : row.services) AddImages(tree, tree.plan.services[service].images, shipped);
  AddPackages(tree, row, shipped);
  Order(shipped);
  return shipped;
}

std::string GenerationOf(const Tree& tree, int server) {
  return DigestOf(tree, ShippedTo(tree, server));
}

std::string InputOf(const Tree& tree, int step, int server) {
  const Step& row = tree.plan.steps[step];
  const Service& service = tree.plan.services[row.service];
  std::vector<Shipped> read;
  // Of lib/ what scripts source: a newer agent must not run every step again.
  Add(tree, "lib/host.sh", 0, read);
  if (row.on_install) {
    Add(tree, "lib/fleet.sh", 0, read);
    Add(tree, "modules/" + row.script, 0, read);
  } else {
    const std::string root = fmt::format("servers/{}/", tree.plan.servers[server].name);
    Add(tree, fmt::format("{}{}/", root, service.folder), root.size(), read);
    const size_t top = service.folder.size() + 1;
    std::erase_if(read, [&](const Shipped& file) {
      return file.path.starts_with(service.folder + "/") && file.path != row.script &&
             file.path.find('/', top) == std::string::npos;
    });
    AddImages(tree, service.images, read);
  }
  // What a bundle carries is how to get something, not what it is.
  std::erase_if(read, [&](const Shipped& file) { return tree.files[file.file].carried; });
  Order(read);
  return DigestOf(tree, read);
}

Expected ExpectedOf(const Tree& tree) {
  Expected expected;
  for (size_t i = 0; i < tree.plan.servers.size(); ++i) {
    expected.generations.push_back(GenerationOf(tree, static_cast<int>(i)));
  }
  for (size_t i = 0; i < tree.plan.steps.size(); ++i) {
    std::vector<std::string>& inputs = expected.inputs.emplace_back();
    for (int server : tree.plan.steps[i].servers) {
      inputs.push_back(InputOf(tree, static_cast<int>(i), server));
    }
  }
  return expected;
}

}  // namespace kb::run
