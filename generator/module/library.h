// Library: every module that a topology may use, built in or from a folder.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "diag/diagnostic.h"
#include "module/manifest.h"

namespace kb::module {

// Owns the manifests; finds their files. Paths are relative to a templates folder:
// "03-haproxy/haproxy.cfg.erb", "_lib/shell/prelude.sh.erb".
class Library {
 public:
  // Reads the manifests of all modules. A folder in `directories` wins over a built-in module of
  // the same path, and earlier ones over later ones. A module whose manifest has errors is left
  // out.
  static Result<Library> Load(const std::vector<std::string>& directories, Sources& sources,
                              Diagnostics& diags);

  const std::deque<Manifest>& modules() const { return modules_; }
  const Manifest* Find(std::string_view name) const;
  // A name that is nearly this one, for a hint; may be empty.
  std::string_view Nearest(std::string_view name) const;

  // The bytes of a file, or an unknown span. All files are in the Sources after Load.
  Span File(std::string_view path) const;
  // Every file below a folder, sorted: "_lib/host/".
  std::vector<std::string_view> FilesBelow(std::string_view folder) const;

 private:
  void LookIntoTemplates(Manifest& manifest, const Sources& sources, Diagnostics& diags) const;

  std::deque<Manifest> modules_;
  std::map<std::string, Span, std::less<>> files_;
};

}  // namespace kb::module
