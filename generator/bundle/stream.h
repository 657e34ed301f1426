// Stream: reads a bundle's archive as a stream and lets nothing pass that WriteArchive does not
// write: one zstd frame, ustar headers with every field as it must be, names in order.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "bundle/tree.h"

namespace kb::bundle {

// What ReadArchive calls: `begin` for each file, with its path below the top folder, then `data`
// for its bytes. Either may refuse.
struct Visitor {
  std::function<Result<void>(const File& file)> begin;
  std::function<Result<void>(std::string_view bytes)> data;
};

// Gives the name of the top folder. `fd` is read from its beginning. The digests of the files that
// `begin` sees are not known yet.
Result<std::string> ReadArchive(int fd, const Visitor& visitor);

}  // namespace kb::bundle
