// Secret: bytes that are wiped when they go, and that nobody copies or prints by accident.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace kb::secrets {

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string_view bytes) { Append(bytes); }
  Secret(Secret&& other) noexcept { Swap(other); }
  Secret& operator=(Secret&& other) noexcept;
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { Wipe(); }

  // A copy that is meant.
  Secret Twin() const { return Secret(Reveal()); }

  void Append(std::string_view bytes);
  void Append(char byte) { Append(std::string_view(&byte, 1)); }
  // Makes room for as many more, so that growing leaves nothing to wipe.
  void Reserve(size_t more);
  // Room behind the end to read into, and how much of it was filled.
  char* Tail() { return bytes_.get() + size_; }
  void Grow(size_t filled) { size_ += filled; }
  void Wipe();

  // The bytes themselves. They must not get into a message, an argument or a std::string that lives
  // on; whoever calls this answers for it. Good until the next Append.
  std::string_view Reveal() const { return {bytes_.get(), size_}; }
  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

  // In a time that does not depend on where they differ.
  friend bool operator==(const Secret& a, const Secret& b);

 private:
  void Swap(Secret& other) noexcept;

  std::unique_ptr<char[]> bytes_;
  size_t size_ = 0;
  size_t room_ = 0;
};

// Keeps what this process holds out of core dumps, other processes' reach and freed memory. For
// good: there is no way back, so only commands that handle values call it.
void HardenProcess();

}  // namespace kb::secrets
