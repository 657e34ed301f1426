// Ship: what travels to a server: the generation's files as one tar, and its credentials.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "run/tree.h"

namespace kb::run {

// The bytes of files, each content once however many servers get it, for as long as this lives.
class Store {
 public:
  explicit Store(const Tree& tree) : tree_(&tree) {}
  const Tree& tree() const { return *tree_; }
  Result<std::string_view> BytesOf(int file);  // index into tree.files

 private:
  const Tree* tree_;                                          // must outlive this
  std::map<std::string, std::string, std::less<>> contents_;  // by digest
};

// A tar (ustar) of files in pieces; most are views into the store. The same files give the same
// bytes: no times, no owners.
struct Archive {
  std::vector<std::unique_ptr<const std::string>> headers;  // what the pieces view besides
  std::vector<std::string_view> pieces;
  size_t size = 0;
};
Result<Archive> PackFiles(std::span<const Shipped> files, Store& store);

// "redis.env", "REDIS_PASSWORD".
struct CredentialName {
  std::string file;
  std::string key;
  friend auto operator<=>(const CredentialName&, const CredentialName&) = default;
};

// A text of secrets, wiped when it goes.
class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string text) : text_(std::move(text)) {}
  Secret(Secret&& other) noexcept : text_(other.Release()) {}
  Secret& operator=(Secret&& other) noexcept;
  ~Secret();

  const std::string& text() const { return text_; }
  std::string Release();
  void Append(std::string_view more);

 private:
  std::string text_;
};

// Reads exactly those values out of the credentials folder, as lines "<file> <KEY>=<value>" by file
// and key. The rules are those of lib/host.sh: a file that others may read, a key that stands there
// twice or not at all, an empty value, a control character are refused. No message holds a value.
Result<Secret> ReadCredentials(const std::string& folder, std::vector<CredentialName> names);

}  // namespace kb::run
