// Sums: SHA256SUMS, the list of a bundle's files that is signed. One line a file, by path:
// "0644 <sha256>  <path>". Without the mode, sha256sum reads it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "bundle/tree.h"

namespace kb::bundle {

inline constexpr std::string_view kSumsName = "SHA256SUMS";
inline constexpr std::string_view kSignatureName = "SHA256SUMS.sig";

std::string PrintSums(std::span<const File> files);

// Only what PrintSums writes is read: another order, a second line of a path or a mode that no
// bundle has is an Error. The sizes stay 0.
Result<std::vector<File>> ReadSums(std::string_view text);

}  // namespace kb::bundle
