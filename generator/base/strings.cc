#include "base/strings.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>

namespace kb {
namespace {

constexpr char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

bool EqualIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, Lower, Lower);
}

// The length of the well-formed sequence that begins at text[at], or 0. The bounds of the second
// byte are those of the Unicode standard's table 3-7: they exclude overlong forms, surrogates and
// what lies above U+10FFFF.
size_t Utf8LengthAt(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(at);
  if (lead < 0x80) return 1;
  if (lead < 0xC2 || lead > 0xF4) return 0;
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() - at < length) return 0;
  const uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (byte(at + 1) < low || byte(at + 1) > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  return length;
}

}  // namespace

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (size_t end; (end = text.find(separator)) != std::string_view::npos;) {
    parts.push_back(text.substr(0, end));
    text.remove_prefix(end + 1);
  }
  parts.push_back(text);
  return parts;
}

std::string Join(std::span<const std::string> parts, std::string_view separator) {
  std::string joined;
  for (const std::string& part : parts) {
    if (&part != parts.data()) joined += separator;
    joined += part;
  }
  return joined;
}

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::optional<uint64_t> ParseUnsigned(std::string_view text) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  // from_chars takes neither a sign nor blanks for an unsigned type.
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): `end` says how far it may read
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || stop != end) return std::nullopt;
  return value;
}

bool IsDate(std::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return false;
  unsigned year = 0, month = 0, day = 0;
  const auto read = [&](size_t at, size_t size, unsigned& number) {
    const char* end = text.data() + at + size;
    return std::from_chars(text.data() + at, end, number).ptr == end;
  };
  if (!read(0, 4, year) || !read(5, 2, month) || !read(8, 2, day)) return false;
  using namespace std::chrono;
  return year_month_day(std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                        std::chrono::day(day))
      .ok();
}

size_t FindInvalidUtf8(std::string_view text) {
  constexpr uint64_t kHighBits = 0x8080808080808080;
  size_t at = 0;
  while (at < text.size()) {
    uint64_t word = 0;
    while (at + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if (word & kHighBits) break;
      at += sizeof word;
    }
    if (at == text.size()) break;
    const size_t length = Utf8LengthAt(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t swap_in = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, swap_in});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates) {
  // One slip in three letters is a typing error; more is another word.
  const size_t limit = std::max<size_t>(1, word.size() / 3);
  std::string_view nearest;
  size_t best = limit + 1;
  for (std::string_view candidate : candidates) {
    if (EqualIgnoringCase(word, candidate)) return candidate;
    const size_t longer = std::max(word.size(), candidate.size());
    if (longer - std::min(word.size(), candidate.size()) >= best) continue;
    const size_t distance = EditDistance(word, candidate);
    // A distance of the whole length shares nothing: `a` is not a misspelt `b`.
    if (distance >= best || distance == longer) continue;
    best = distance;
    nearest = candidate;
  }
  return nearest;
}

}  // namespace kb
