#include "run/show.h"

#include <algorithm>
#include <cstdint>

#include <fmt/core.h>

#include "base/strings.h"

namespace kb::run {
namespace {

constexpr std::string_view kEllipsis = "\u2026";

size_t SizeOfCharacter(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  return std::min(size, text.size());
}

char32_t Decode(std::string_view character) {
  if (character.size() == 1) return static_cast<uint8_t>(character[0]);
  char32_t code = static_cast<uint8_t>(character[0]) & (0xFFU >> (character.size() + 1));
  for (char c : character.substr(1)) code = (code << 6U) | (static_cast<uint8_t>(c) & 0x3FU);
  return code;
}

struct Range {
  char32_t first, last;
};
// What takes no column, and what takes two: the ranges that text of scripts and programs has.
constexpr Range kNarrow[] = {{0x300, 0x36F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}};
constexpr Range kWide[] = {{0x1100, 0x115F}, {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},
                           {0xF900, 0xFAFF}, {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},
                           {0xFFE0, 0xFFE6}, {0x1F300, 0x1FAFF}, {0x20000, 0x3FFFD}};

template <size_t n>
bool IsIn(char32_t code, const Range (&ranges)[n]) {
  return std::ranges::any_of(ranges, [&](Range r) { return code >= r.first && code <= r.last; });
}

size_t ColumnsOfCharacter(std::string_view character) {
  const char32_t code = Decode(character);
  if (IsIn(code, kNarrow)) return 0;
  return IsIn(code, kWide) ? 2 : 1;
}

// The bytes of an escape sequence at the beginning: ESC [ … letter, ESC ] … BEL, or ESC and one.
size_t SizeOfEscape(std::string_view text) {
  if (text.size() < 2) return text.size();
  if (text[1] == ']') {
    const size_t end = text.find('\a');
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  if (text[1] != '[') return 2;
  const size_t end = text.find_first_not_of("0123456789;:?<=>! ", 2);
  return end == std::string_view::npos ? text.size() : end + 1;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const char c = text[0];
    size_t size = 1;
    if (c == '\x1b') {
      size = SizeOfEscape(text);
    } else if (c == '\t') {
      printable += ' ';
    } else if (static_cast<uint8_t>(c) < 0x20 || c == '\x7f') {
      // A progress line ends in CR; anything else would act on the terminal.
    } else {
      size = SizeOfCharacter(text);
      const std::string_view character = text.substr(0, size);
      const bool valid = FindInvalidUtf8(character) == std::string_view::npos;
      const char32_t code = valid ? Decode(character) : 0;
      // C1 controls are as bad as those of ASCII.
      if (!valid) {
        printable += '?', size = 1;
      } else if (code < 0x80 || code > 0x9F) {
        printable += character;
      }
    }
    text.remove_prefix(size);
  }
  return printable;
}

size_t ColumnsOf(std::string_view text) {
  size_t columns = 0;
  while (!text.empty()) {
    const size_t size = SizeOfCharacter(text);
    columns += ColumnsOfCharacter(text.substr(0, size));
    text.remove_prefix(size);
  }
  return columns;
}

std::string Fit(std::string_view text, size_t columns) {
  if (ColumnsOf(text) <= columns) return std::string(text);
  if (columns == 0) return {};
  std::string fitting;
  size_t taken = 0;
  while (!text.empty()) {
    const std::string_view character = text.substr(0, SizeOfCharacter(text));
    taken += ColumnsOfCharacter(character);
    if (taken > columns - 1) break;
    fitting += character;
    text.remove_prefix(character.size());
  }
  return fitting.append(kEllipsis);
}

std::string Pad(std::string_view text, size_t columns) {
  std::string padded = Fit(text, columns);
  return padded.append(columns - std::min(columns, ColumnsOf(padded)), ' ');
}

std::string Span(Time ms) {
  const Time s = ms / 1000;
  if (ms < 10'000) return fmt::format("{}.{} s", s, ms % 1000 / 100);
  if (s < 60) return fmt::format("{} s", s);
  if (s < 3600) return fmt::format("{}:{:02}", s / 60, s % 60);
  return fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60);
}

std::string Count(size_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

}  // namespace kb::run
