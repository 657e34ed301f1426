// Line: what the languages share whose files are lines of a key and a value, with comments that
// stand on lines of their own. A dialect says which characters mean something and how a text is
// written; the machine is one.
#pragma once

#include "lang/language.h"
#include "lang/scan.h"
#include "lang/writing.h"

namespace kb::lang::line {

enum State : uint8_t {
  kStart,  // in the blanks that begin a line
  kComment,
  kSection,  // in a line that begins with `[`
  kKey,
  kEmpty,  // behind the separator: nothing but blanks so far
  kValue,
};

struct Dialect {
  std::string_view comments = "#";  // what begins a comment at a line's start
  char separator = '=';             // between key and value; ' ' stands for any blank
  bool sections = false;
};

template <const Dialect& dialect>
Context Step(Context at, char c) {
  if (c == '\n') return {};
  switch (at.state) {
    case kStart:
      if (IsBlank(c)) return at;
      if (dialect.comments.find(c) != std::string_view::npos) return {.state = kComment};
      if (dialect.sections && c == '[') return {.state = kSection};
      [[fallthrough]];
    case kKey:
      return {.state = c == dialect.separator || (dialect.separator == ' ' && c == '\t')
                           ? uint8_t{kEmpty}
                           : uint8_t{kKey}};
    case kEmpty:
      return {.state = IsBlank(c) ? uint8_t{kEmpty} : uint8_t{kValue}};
    default:
      return at;
  }
}

inline Context AfterHole(Context at) {
  if (at.state == kStart) return {.state = kKey};
  if (at.state == kEmpty) return {.state = kValue};
  return at;
}

inline std::string_view Describe(Context at) {
  switch (at.state) {
    case kComment:
      return "in a comment";
    case kSection:
      return "in the name of a section";
    case kStart:
    case kKey:
      return "where a key is due";
    default:
      return "in a value";
  }
}

inline constexpr std::string_view kKeyRefused =
    "a key is made of atoms: a text could become another";

}  // namespace kb::lang::line
