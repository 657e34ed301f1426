// Scan: what the state machines of the languages share: walking literal text, and knowing which
// of a few words has been read, letter by letter.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "lang/language.h"

namespace kb::lang {

// Feeds every byte to `Step`. A machine that sees single bytes cannot depend on where a template
// happens to cut its literal text.
template <Context (*Step)(Context, char)>
Context Walk(Context at, std::string_view literal) {
  for (const char c : literal) at = Step(at, c);
  return at;
}

constexpr bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// A word that is read letter by letter, within the 16 bits that a Context has to spare: the first
// row of a sorted table that the letters begin, and how many letters there were.
inline constexpr uint16_t kNoLetters = 0;
inline constexpr uint16_t kOtherWord = 0xFFFF;

// `seen` with one more letter; kOtherWord once no row of the table begins so.
uint16_t NextLetter(std::span<const std::string_view> sorted, uint16_t seen, char letter);

// The row that is exactly the letters seen, or -1.
int WholeWord(std::span<const std::string_view> sorted, uint16_t seen);

}  // namespace kb::lang
