// Embedded: the files that are built into the binary, so that kbgen is one file to hand over.
#pragma once

#include <span>
#include <string_view>

#include "syntax/frozen.h"

namespace kb {

// The path is the one in the source tree: "templates/01-base-os/module.yaml",
// "docs/diagnostics/KB3004.md". Bytes live for ever.
struct EmbeddedFile {
  std::string_view path;
  std::string_view bytes;
  std::span<const FrozenNode> yaml = {};  // manifests: what Thaw takes; empty: to be parsed
  std::string_view decoded = {};
};

// Sorted bytewise by path.
std::span<const EmbeddedFile> EmbeddedFiles();

}  // namespace kb
