#include "tmpl/value.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace kb::tmpl {

std::string_view Arena::Copy(std::string_view text) {
  if (text.empty()) return {};
  char* bytes = static_cast<char*>(memory_.allocate(text.size(), 1));
  std::memcpy(bytes, text.data(), text.size());
  return {bytes, text.size()};
}

std::span<Value> Arena::Values(size_t count) {
  if (count == 0) return {};
  Value* values = static_cast<Value*>(memory_.allocate(count * sizeof(Value), alignof(Value)));
  std::uninitialized_default_construct_n(values, count);
  return {values, count};
}

std::span<const Value> Arena::CopyValues(std::span<const Value> values) {
  const std::span<Value> copy = Values(values.size());
  std::ranges::copy(values, copy.begin());
  return copy;
}

void Arena::Reset() { memory_.release(); }

}  // namespace kb::tmpl
