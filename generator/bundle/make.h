// Make: turns an output tree into the one file that is handed over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bundle/documents.h"
#include "bundle/needs.h"
#include "diag/diagnostic.h"

namespace kb::bundle {

struct MakeOptions {
  std::string root;                // the output tree
  std::string to;                  // FILE.tar.zst
  std::string key;                 // of ssh-keygen; empty: not signed
  std::optional<uint64_t> serial;  // else the time of the commit
  bool images = false;             // carry what the Docker engine has
  std::string packages;            // a folder of .deb files to carry; empty: none
  bool air_gapped = false;         // nothing may be left over
  std::vector<Input> inputs;       // what the tree was rendered from
  Tool tool;
  std::string_view verify_script;  // verify.sh
};

struct Made {
  Facts facts;
  std::vector<Need> needs;
  std::vector<Finding> findings;
  std::vector<Image> images;
  size_t files = 0;
  uint64_t bytes = 0;  // of the archive
};

// Reported is what is wrong with the tree; an Error is everything else. Beside the file lie its
// signature, if there is a key, and the script that verifies both.
Result<Checked<Made>> Make(const MakeOptions& options, Sources& sources, Diagnostics& diags);

}  // namespace kb::bundle
