// ShellWords: the words that change what the next word of a script means, recognised letter by
// letter.
#pragma once

#include <cstdint>
#include <string_view>

namespace kb::lang::shell {

// Words that change what the next word means.
enum class Effect : uint8_t {
  kNone,
  kCommandNext,
  kCase,
  kEsac,
  kTest,
  kTestEnd,
  kMatch,
  kIn,
  kDashes,
  kEvaluates
};

// How much of a reserved word has been read, so that reading "th" and then "en" is the same as
// reading "then". 0: it is no such word.
constexpr uint16_t kProgressMask = 0x3FF;
constexpr uint16_t kDigits = 0x3FF;  // a word of digits alone, which `>` turns into a descriptor

// The progress behind the first letter of a word, and behind each further one.
uint16_t BeginWord(char first);
uint16_t ContinueWord(uint16_t progress, char next);
Effect EffectOf(uint16_t progress);

}  // namespace kb::lang::shell
