// EnvFile: the lines of a file of secrets. Read by the same rules as kb_look_up of lib/host.sh:
// `KEY=value`, `#…` or nothing; the value is everything behind the first `=`, as it stands.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "secrets/secret.h"

namespace kb::secrets {

struct EnvLine {
  enum class Kind : uint8_t { kPair, kComment, kUnreadable } kind = Kind::kComment;
  std::string_view text;   // without its newline
  std::string_view key;    // kPair
  std::string_view value;  // kPair
};

struct EnvChange {
  std::string_view key;
  const Secret* value;  // null: the key goes
};

class EnvFile {
 public:
  EnvFile() = default;
  explicit EnvFile(Secret bytes);
  EnvFile(EnvFile&&) noexcept = default;
  EnvFile& operator=(EnvFile&&) noexcept = default;

  const Secret& bytes() const { return bytes_; }
  const std::vector<EnvLine>& lines() const { return lines_; }
  // The first line of the key; null when there is none.
  const EnvLine* Find(std::string_view key) const;
  // A value that is there and not empty; an empty Secret else.
  Secret ValueOf(std::string_view key) const;

  // The file with these changes: a key that is there keeps its line, a new one gets the last.
  // Everything else stays byte for byte.
  Secret With(std::span<const EnvChange> changes) const;

 private:
  Secret bytes_;  // what the lines point into
  std::vector<EnvLine> lines_;
};

// The file with as many lines and without any value, so that diagnostics can point into it. A
// comment may hold a former value, a line of no known form the rest of one.
std::string Masked(const EnvFile& file, std::span<const std::string_view> known_keys);

// Whether a key may be shown that nobody has declared: `abc=` may be the end of a value in base64.
bool LooksLikeVariable(std::string_view key);
bool HasControl(std::string_view value);

}  // namespace kb::secrets
