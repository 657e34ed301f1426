// Receipt: what a server says about a step that ended well there.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kb::run {

struct Receipt {
  std::string folder;  // of the service: "04-redis"
  std::string step;
  std::string input;            // digest of what the step read, see InputOf
  bool credentials_ok = false;  // the credentials are still those that it was made with
  std::string ended;            // ISO UTC
};

// The words behind `info receipt` in the agent's answer to hello:
// "<folder> <step> <input> <credentials-ok 0|1> <ended>".
Result<Receipt> ParseReceipt(std::string_view words);

// The newest word on a step; nullptr: it never ended well there.
const Receipt* FindReceipt(std::span<const Receipt> receipts, std::string_view folder,
                           std::string_view step);

// The step need not run again: what it reads is what it was made with.
inline bool Counts(const Receipt& receipt, std::string_view input) {
  return receipt.credentials_ok && receipt.input == input;
}

}  // namespace kb::run
