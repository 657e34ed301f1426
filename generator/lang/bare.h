// Bare: values that stand as they are, because their type promises that they cannot do harm.
#pragma once

#include "base/strings.h"
#include "lang/language.h"

namespace kb::lang {

constexpr bool IsAtomChar(char c) {
  return IsAlnum(c) || c == '.' || c == '_' || c == ':' || c == '/' || c == '@' || c == '+' ||
         c == '-';
}

// Writes an atom, an integer or a boolean as it is. Only a parser of the model makes atoms; that
// one is an atom is looked at again here, because this is the last place where it could be stopped.
inline std::string_view WriteBare(std::string_view value, Context, std::string& out) {
  for (char c : value) {
    if (!IsAtomChar(c)) return "it is not the plain word that its type promises";
  }
  out += value;
  return {};
}

}  // namespace kb::lang
