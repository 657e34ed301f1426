#include "base/digest.h"

#include <memory>

#include <openssl/evp.h>

#include "base/result.h"

namespace kb {
namespace {

// Fetching walks OpenSSL's providers under a lock, which costs more than hashing a small file.
const EVP_MD* Algorithm() {
  static const EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  KB_CHECK(sha256 != nullptr);
  return sha256;
}

EVP_MD_CTX* Context() {
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  KB_CHECK(context != nullptr);
  return context.get();
}

}  // namespace

Sha256 Digest(std::string_view bytes) {
  Sha256 digest;
  EVP_MD_CTX* context = Context();
  KB_CHECK(EVP_DigestInit_ex2(context, Algorithm(), nullptr) == 1 &&
           EVP_DigestUpdate(context, bytes.data(), bytes.size()) == 1 &&
           EVP_DigestFinal_ex(context, digest.data(), nullptr) == 1);
  return digest;
}

struct Hasher::State {
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(),
                                                                  &EVP_MD_CTX_free};
};

Hasher::Hasher() : state_(std::make_unique<State>()) {
  KB_CHECK(state_->context != nullptr &&
           EVP_DigestInit_ex2(state_->context.get(), Algorithm(), nullptr) == 1);
}
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;
Hasher::~Hasher() = default;

void Hasher::Add(std::string_view bytes) {
  KB_CHECK(EVP_DigestUpdate(state_->context.get(), bytes.data(), bytes.size()) == 1);
}

Sha256 Hasher::Finish() {
  Sha256 digest;
  KB_CHECK(EVP_DigestFinal_ex(state_->context.get(), digest.data(), nullptr) == 1);
  return digest;
}

std::string Hex(const Sha256& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex(digest.size() * 2, '\0');
  for (size_t i = 0; i < digest.size(); ++i) {
    hex[2 * i] = kDigits[digest[i] >> 4];
    hex[2 * i + 1] = kDigits[digest[i] & 15];
  }
  return hex;
}

}  // namespace kb
