// FakeSource: what shall stand in a tree, written down in a test.
#pragma once

#include <sys/stat.h>

#include <functional>
#include <string>
#include <vector>

#include "base/files.h"
#include "diag/kinds.h"
#include "write/tree.h"

namespace kb::write {

struct FakeFile {
  std::string path;
  std::string bytes;
  bool executable = false;
  bool flawed = false;  // reports a mistake instead of rendering
};

class FakeSource : public Source {
 public:
  FakeSource(std::initializer_list<FakeFile> files) : files_(files) {}
  explicit FakeSource(std::vector<FakeFile> files) : files_(std::move(files)) {}

  size_t size() const override { return files_.size(); }
  Item Describe(size_t i) const override {
    before_use();
    Item item;
    item.path = files_[i].path;
    item.executable = files_[i].executable;
    return item;
  }
  std::string PathOf(size_t i) const override { return files_[i].path; }
  bool IsExecutable(size_t i) const override { return files_[i].executable; }
  bool Render(size_t i, std::string& out, Diagnostics& diags) const override {
    before_use();
    if (files_[i].flawed) diags.Emit(diag::kYamlSyntax, {}, files_[i].path);
    out += files_[i].bytes;
    return !files_[i].flawed;
  }

  const std::vector<FakeFile>& files() const { return files_; }
  std::function<void()> before_use = [] {};

 private:
  std::vector<FakeFile> files_;
};

// "path mode bytes" of every file below `root`, MANIFEST.json left out.
inline std::vector<std::string> Snapshot(const std::string& root) {
  std::vector<std::string> rows;
  for (const std::string& path : ListTree(root).value_or(std::vector<std::string>())) {
    if (path == "MANIFEST.json") continue;
    struct stat status{};
    stat(JoinPath(root, path).c_str(), &status);
    rows.push_back(path + ((status.st_mode & 0100) != 0 ? " x " : " - ") +
                   ReadFile(JoinPath(root, path)).value_or("?"));
  }
  return rows;
}

}  // namespace kb::write
