#include "secrets/secret.h"

#include <malloc.h>
#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <utility>

namespace kb::secrets {

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    Wipe();
    Swap(other);
  }
  return *this;
}

void Secret::Swap(Secret& other) noexcept {
  std::swap(bytes_, other.bytes_);
  std::swap(size_, other.size_);
  std::swap(room_, other.room_);
}

void Secret::Wipe() {
  if (bytes_ != nullptr) OPENSSL_cleanse(bytes_.get(), room_);
  bytes_.reset();
  size_ = room_ = 0;
}

void Secret::Reserve(size_t more) {
  if (size_ + more <= room_) return;
  Secret bigger;
  bigger.room_ = std::max({size_ + more, 2 * room_, size_t{64}});
  bigger.bytes_ = std::make_unique<char[]>(bigger.room_);
  if (size_ > 0) std::memcpy(bigger.bytes_.get(), bytes_.get(), size_);
  bigger.size_ = size_;
  *this = std::move(bigger);
}

void Secret::Append(std::string_view bytes) {
  if (bytes.empty()) return;
  Reserve(bytes.size());
  std::memcpy(Tail(), bytes.data(), bytes.size());
  Grow(bytes.size());
}

bool operator==(const Secret& a, const Secret& b) {
  return a.size_ == b.size_ &&
         (a.empty() || CRYPTO_memcmp(a.bytes_.get(), b.bytes_.get(), a.size_) == 0);
}

void HardenProcess() {
  const rlimit none{.rlim_cur = 0, .rlim_max = 0};
  setrlimit(RLIMIT_CORE, &none);
  // Nor may a debugger of the same user look in, or /proc/<pid>/mem be read.
  prctl(PR_SET_DUMPABLE, 0);
  // What libraries (the JSON of a store) free is overwritten, too.
  mallopt(M_PERTURB, 0x5a);
  // A program that is written to and dies is an error to report, not the end.
  std::signal(SIGPIPE, SIG_IGN);
}

}  // namespace kb::secrets
