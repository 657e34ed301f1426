// Pass: renders every item of a source once, on all threads, and hands out the bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.h"
#include "base/result.h"
#include "diag/diagnostic.h"
#include "write/tree.h"

namespace kb::write {

// What a worker may use for a while; it keeps its memory from one item to the next.
struct Scratch {
  std::string buffer;
  std::string folder;
};

using UseBytes =
    std::function<Result<void>(uint32_t index, std::string_view bytes, Scratch& scratch)>;

// Renders the items [0, size) and gives each to `use`, on several threads at once. After the first
// reported error the rest is still rendered, so that every problem is shown, but no longer used.
// An Error stops everything; of several, that of the first item is returned. Reports arrive in
// `diags` in the order of the items, whatever the threads did.
Result<void> RenderAll(const Source& source, unsigned threads, const UseBytes& use,
                       Diagnostics& diags);

// The same for some items only.
Result<void> RenderSome(const Source& source, std::span<const uint32_t> items, unsigned threads,
                        const UseBytes& use, Diagnostics& diags);

}  // namespace kb::write
