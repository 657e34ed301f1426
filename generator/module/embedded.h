// Embedded: the files that are built into the binary, so that kbgen is one file to hand over.
#pragma once

#include <span>
#include <string_view>

namespace kb {

// The path is the one in the source tree: "templates/01-base-os/module.yaml",
// "docs/diagnostics/KB3004.md". Bytes live for ever.
struct EmbeddedFile {
  std::string_view path;
  std::string_view bytes;
};

// Sorted bytewise by path.
std::span<const EmbeddedFile> EmbeddedFiles();

}  // namespace kb
