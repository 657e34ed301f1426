// Manifest: the text of MANIFEST.json, written and read as a stream: an estate can be so large that
// its text should never be in memory as a whole.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "write/tree.h"

namespace kb::write {

inline constexpr std::string_view kManifestName = "MANIFEST.json";

// Calls `sink` with the text in pieces, until it returns false. Gives the bytes passed on.
// One line an artifact, in the source's order; members that do not apply are left out. The lines
// are made on several threads, the sink is called on this one.
uint64_t StreamManifest(const Source& source, std::span<const Sha256> digests,
                        const Options& options, const std::function<bool(std::string_view)>& sink);

// Makes it in `folder` under a name that is not there yet. Gives its size.
Result<uint64_t> WriteManifest(int folder, const std::string& name, const Source& source,
                               std::span<const Sha256> digests, const Options& options);

// Whether the file behind `fd` holds exactly that text.
bool ManifestEquals(int fd, const Source& source, std::span<const Sha256> digests,
                    const Options& options);

// Calls `entry(path, sha256 in hex)` for each artifact that the file behind `fd` lists. Lines that
// StreamManifest cannot have written are skipped, so are paths that lead out of the tree: whoever
// edits the manifest must not be able to have other files deleted.
void ReadManifest(int fd, const std::function<void(std::string_view, std::string_view)>& entry);

}  // namespace kb::write
