#include "lang/shell_words.h"

#include "base/strings.h"

namespace kb::lang::shell {
namespace {

struct ReservedWord {
  std::string_view word;
  Effect effect;
};

constexpr ReservedWord kWords[] = {
    {"if", Effect::kCommandNext},
    {"then", Effect::kCommandNext},
    {"else", Effect::kCommandNext},
    {"elif", Effect::kCommandNext},
    {"fi", Effect::kCommandNext},
    {"while", Effect::kCommandNext},
    {"until", Effect::kCommandNext},
    {"do", Effect::kCommandNext},
    {"done", Effect::kCommandNext},
    {"!", Effect::kCommandNext},
    {"{", Effect::kCommandNext},
    {"}", Effect::kCommandNext},
    {"time", Effect::kCommandNext},
    {"coproc", Effect::kCommandNext},
    {"exec", Effect::kCommandNext},
    {"command", Effect::kCommandNext},
    {"builtin", Effect::kCommandNext},
    {"case", Effect::kCase},
    {"esac", Effect::kEsac},
    {"[[", Effect::kTest},
    {"]]", Effect::kTestEnd},
    {"=~", Effect::kMatch},
    {"in", Effect::kIn},
    {"--", Effect::kDashes},
    {"eval", Effect::kEvaluates},
    {"trap", Effect::kEvaluates},
    {"ssh", Effect::kEvaluates},
    {"bash", Effect::kEvaluates},
    {"sh", Effect::kEvaluates},
    {"su", Effect::kEvaluates},
    {"let", Effect::kEvaluates},
    {"alias", Effect::kEvaluates},
};

uint16_t ProgressOf(std::string_view prefix, char next) {
  for (size_t row = 0; row < std::size(kWords); ++row) {
    const std::string_view word = kWords[row].word;
    if (word.size() > prefix.size() && word.starts_with(prefix) && word[prefix.size()] == next) {
      return static_cast<uint16_t>((row + 1) << 4 | (prefix.size() + 1));
    }
  }
  return 0;
}

std::string_view PrefixOf(uint16_t progress) {
  if (progress == 0 || progress == kDigits) return {};
  return kWords[(progress >> 4) - 1].word.substr(0, progress & 15);
}

}  // namespace

uint16_t BeginWord(char first) { return IsDigit(first) ? kDigits : ProgressOf({}, first); }

uint16_t ContinueWord(uint16_t progress, char next) {
  if (progress == kDigits) return IsDigit(next) ? kDigits : 0;
  return progress == 0 ? 0 : ProgressOf(PrefixOf(progress), next);
}

Effect EffectOf(uint16_t progress) {
  if (progress == 0 || progress == kDigits) return Effect::kNone;
  // A longer word may have been found first: `do` is also the beginning of `done`.
  const std::string_view read = PrefixOf(progress);
  for (const ReservedWord& row : kWords) {
    if (row.word == read) return row.effect;
  }
  return Effect::kNone;
}

}  // namespace kb::lang::shell
