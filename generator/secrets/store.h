// Store: where values are kept when that is not the folder itself. The folder is what steps read in
// any case.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "secrets/env_file.h"
#include "secrets/secret.h"

namespace kb::secrets {

// What a store holds for one file of the folder.
struct Brick {
  std::map<std::string, Secret, std::less<>> values;  // texts only
  int64_t version = 0;                                // 0: nothing is there
  Secret whole;  // all of it in the store's own form, so that what others keep there stays
};

class Store {
 public:
  Store() = default;
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  virtual ~Store() = default;

  virtual std::string PlaceOf(std::string_view brick) const = 0;
  virtual Result<Brick> Read(std::string_view brick) = 0;
  // Makes the next version of what was read, with these values. Fails, and changes nothing, when
  // somebody else has made one since.
  virtual Result<void> Write(std::string_view brick, const Brick& read,
                             std::span<const EnvChange> changes) = 0;
};

}  // namespace kb::secrets
