#include "lang/scan.h"

#include <cstddef>

namespace kb::lang {

uint16_t NextLetter(std::span<const std::string_view> sorted, uint16_t seen, char letter) {
  if (seen == kOtherWord) return kOtherWord;
  const size_t first = seen >> 8;
  const size_t length = seen & 0xFF;
  const std::string_view begun = sorted[first].substr(0, length);
  for (size_t row = first; row < sorted.size() && sorted[row].starts_with(begun); ++row) {
    if (sorted[row].size() <= length || sorted[row][length] != letter) continue;
    return static_cast<uint16_t>(row << 8 | (length + 1));
  }
  return kOtherWord;
}

int WholeWord(std::span<const std::string_view> sorted, uint16_t seen) {
  if (seen == kOtherWord || seen == kNoLetters) return -1;
  const int row = seen >> 8;
  return sorted[static_cast<size_t>(row)].size() == (seen & 0xFFu) ? row : -1;
}

}  // namespace kb::lang
