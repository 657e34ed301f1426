// Digest: SHA-256 by OpenSSL.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace kb {

using Sha256 = std::array<uint8_t, 32>;

// Safe to call from several threads.
Sha256 Digest(std::string_view bytes);
std::string Hex(const Sha256& digest);

// The same for bytes that come in pieces.
class Hasher {
 public:
  Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;
  ~Hasher();

  void Add(std::string_view bytes);
  Sha256 Finish();  // once, at the end

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Room for a digest of each of many things. A vector would fill all of it at once; here memory is
// taken as digests come. One that was not set holds anything.
class Digests {
 public:
  explicit Digests(size_t size)
      : size_(size), digests_(std::make_unique_for_overwrite<Sha256[]>(size)) {}

  Sha256& operator[](size_t i) { return digests_[i]; }
  const Sha256& operator[](size_t i) const { return digests_[i]; }
  operator std::span<const Sha256>() const { return {digests_.get(), size_}; }

 private:
  size_t size_;
  std::unique_ptr<Sha256[]> digests_;
};

}  // namespace kb
