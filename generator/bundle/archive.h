// Archive: writes the one file that a bundle is, tar (ustar) in zstd, in the only form that there
// is of it: sorted, nobody's, of no time. Two runs on two machines make the same bytes.
#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "bundle/tree.h"

namespace kb::bundle {

// What goes into a bundle: bytes, or a file on disk with the digest that it must have.
struct Item {
  File file;
  std::string bytes;
  std::string source;  // path on disk; empty: `bytes`
};

// Of these bytes.
Item MakeItem(std::string path, std::string bytes, uint32_t mode = kPlainMode);

// `items` by path; all go below the folder `top`. Into an open, empty file.
Result<void> WriteArchive(int fd, const std::string& top, std::span<const Item> items);

// Rewrites what `docker save` wrote: the same image always gives the same bytes, whenever and by
// whichever engine of one version it was saved. Entries by name, of no time, nobody's.
Result<void> NormalizeImage(int from, int to);

}  // namespace kb::bundle
