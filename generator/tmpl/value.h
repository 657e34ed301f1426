// Value: what a template can see. Small, trivially copied; an Arena owns what it points to.
#pragma once

#include <cstdint>
#include <memory>
#include <memory_resource>
#include <span>
#include <string_view>

#include "diag/source.h"

namespace kb::tmpl {

// kAbsent: an optional value that is not there. kSecret: the *place* of a secret, never its value;
// no template can print one (its record fields `file`, `key`, `token` are atoms and can).
enum class Kind : uint8_t { kAbsent, kText, kAtom, kInt, kBool, kSecret, kList, kRecord };

// 24 bytes. Text is borrowed from an Arena, the Sources or a literal. Records hold their fields in
// the order of their Type; which field is which only the Type knows.
struct Value {
  Kind kind = Kind::kAbsent;
  uint32_t size = 0;  // bytes of text, items of a list, fields of a record
  union {
    const char* text = nullptr;
    int64_t number;      // kInt, kBool
    const Value* items;  // kList, kRecord, kSecret (a record underneath)
  };
  Span origin;  // where in the model it was written; unknown for computed values

  std::string_view str() const { return {text, size}; }
  std::span<const Value> list() const { return {items, size}; }

  static Value Text(std::string_view s, Span origin = {}) { return OfText(Kind::kText, s, origin); }
  static Value Atom(std::string_view s, Span origin = {}) { return OfText(Kind::kAtom, s, origin); }
  static Value Int(int64_t n, Span origin = {}) { return OfNumber(Kind::kInt, n, origin); }
  static Value Bool(bool b, Span origin = {}) { return OfNumber(Kind::kBool, b ? 1 : 0, origin); }
  static Value List(std::span<const Value> v, Span origin = {}) {
    return OfItems(Kind::kList, v, origin);
  }
  static Value Record(std::span<const Value> v, Span origin = {}) {
    return OfItems(Kind::kRecord, v, origin);
  }
  static Value Secret(std::span<const Value> v, Span origin = {}) {
    return OfItems(Kind::kSecret, v, origin);
  }

 private:
  static Value OfText(Kind kind, std::string_view s, Span origin) {
    Value v;
    v.kind = kind, v.size = static_cast<uint32_t>(s.size()), v.text = s.data(), v.origin = origin;
    return v;
  }
  static Value OfNumber(Kind kind, int64_t n, Span origin) {
    Value v;
    v.kind = kind, v.number = n, v.origin = origin;
    return v;
  }
  static Value OfItems(Kind kind, std::span<const Value> items, Span origin) {
    Value v;
    v.kind = kind, v.size = static_cast<uint32_t>(items.size()), v.items = items.data();
    v.origin = origin;
    return v;
  }
};

// Bump allocator for values and their text. What it gave lives until Reset or its end.
class Arena {
 public:
  std::string_view Copy(std::string_view text);
  std::span<Value> Values(size_t count);  // all absent
  std::span<const Value> CopyValues(std::span<const Value> values);
  void Reset();

 private:
  std::pmr::monotonic_buffer_resource memory_{size_t{16} * 1024};
};

}  // namespace kb::tmpl
