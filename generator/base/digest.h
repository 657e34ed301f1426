// Digest: SHA-256 by OpenSSL.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace kb {

using Sha256 = std::array<uint8_t, 32>;

// Safe to call from several threads.
Sha256 Digest(std::string_view bytes);
std::string Hex(const Sha256& digest);

}  // namespace kb
