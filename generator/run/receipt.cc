#include "run/receipt.h"

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::run {

Result<Receipt> ParseReceipt(std::string_view words) {
  const auto parts = Split(words, ' ');
  if (parts.size() != 5 || (parts[3] != "0" && parts[3] != "1")) {
    return Fail(fmt::format("`{}` is no receipt", words));
  }
  return Receipt{.folder = std::string(parts[0]),
                 .step = std::string(parts[1]),
                 .input = std::string(parts[2]),
                 .credentials_ok = parts[3] == "1",
                 .ended = std::string(parts[4])};
}

const Receipt* FindReceipt(std::span<const Receipt> receipts, std::string_view folder,
                           std::string_view step) {
  for (const Receipt& receipt : receipts) {
    if (receipt.step == step && receipt.folder == folder) return &receipt;
  }
  return nullptr;
}

}  // namespace kb::run
