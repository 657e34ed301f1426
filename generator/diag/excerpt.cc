#include "diag/excerpt.h"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/strings.h"

namespace kb {
namespace {

constexpr size_t kScreenColumns = 160;
constexpr size_t kTabColumns = 4;
// No line is looked at further than this from the part that matters; a character has at most four
// bytes, so it is more than a screen to either side.
constexpr size_t kNearBytes = 4 * kScreenColumns;
constexpr std::string_view kCut = "…";
constexpr std::string_view kReplacement = "\uFFFD";

struct Range {
  char32_t first, last;
};

// Characters that are drawn on their neighbour, and those that draw nothing.
constexpr Range kNoColumns[] = {{0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD},
                                {0x0610, 0x061A}, {0x064B, 0x065F}, {0x1AB0, 0x1AFF},
                                {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x20D0, 0x20FF},
                                {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF}};
// East Asian wide and full-width characters, and emoji.
constexpr Range kTwoColumns[] = {{0x1100, 0x115F},   {0x2E80, 0x303E},   {0x3041, 0x33FF},
                                 {0x3400, 0x4DBF},   {0x4E00, 0x9FFF},   {0xA000, 0xA4CF},
                                 {0xAC00, 0xD7A3},   {0xF900, 0xFAFF},   {0xFE30, 0xFE4F},
                                 {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},   {0x1F300, 0x1F64F},
                                 {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
// Characters that reorder the text around them: what is shown would not be what is written.
constexpr Range kReordering[] = {{0x202A, 0x202E}, {0x2066, 0x2069}};

bool IsIn(char32_t c, auto& ranges) {
  return std::ranges::any_of(ranges, [c](Range r) { return r.first <= c && c <= r.last; });
}

struct Glyph {
  size_t begin = 0;  // in the line
  size_t bytes = 1;
  size_t columns = 1;
  std::string_view shown;
};

constexpr std::string_view kControlPictures = "␀␁␂␃␄␅␆␇␈␉␊␋␌␍␎␏␐␑␒␓␔␕␖␗␘␙␚␛␜␝␞␟";

char32_t Decode(std::string_view sequence) {
  const auto lead = static_cast<uint8_t>(sequence[0]);
  char32_t c = sequence.size() == 2   ? lead & 0x1F
               : sequence.size() == 3 ? lead & 0x0F
                                      : lead & 0x07;
  for (char byte : sequence.substr(1)) c = c << 6 | (static_cast<uint8_t>(byte) & 0x3F);
  return c;
}

Glyph GlyphAt(std::string_view text, size_t at) {
  const auto lead = static_cast<uint8_t>(text[at]);
  if (lead == 0x7F) return {at, 1, 1, "␡"};
  if (lead < 0x20) return {at, 1, 1, kControlPictures.substr(lead * 3, 3)};
  if (lead < 0x80) return {at, 1, 1, text.substr(at, 1)};
  const size_t length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  const std::string_view sequence = text.substr(at, length);
  // The first character is whole if nothing is wrong before its own length.
  if (FindInvalidUtf8(sequence) == 0) return {at, 1, 1, kReplacement};
  const char32_t c = Decode(sequence);
  const bool control = c < 0xA0 || IsIn(c, kReordering);
  if (control) return {at, length, 1, kReplacement};
  const size_t columns = IsIn(c, kNoColumns) ? 0 : IsIn(c, kTwoColumns) ? 2 : 1;
  return {at, length, columns, sequence};
}

bool Continues(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

std::vector<Glyph> Glyphs(std::string_view line, size_t begin, size_t end) {
  std::vector<Glyph> glyphs;
  while (begin < end) {
    Glyph glyph = GlyphAt(line, begin);
    if (line[begin] == '\t') glyph = {begin, 1, kTabColumns, "    "};
    begin += glyph.bytes;
    glyphs.push_back(glyph);
  }
  return glyphs;
}

// The columns [begin, end) that fit on a screen, with the part near their middle.
struct Window {
  size_t begin, end;
};

Window Fit(size_t part_begin, size_t part_columns, size_t total) {
  if (total <= kScreenColumns) return {0, total};
  const size_t around = kScreenColumns - std::min(part_columns, kScreenColumns);
  const size_t begin =
      std::min(part_begin - std::min(part_begin, around / 2), total - kScreenColumns);
  return {begin, begin + kScreenColumns};
}

}  // namespace

Excerpt MakeExcerpt(std::string_view line, size_t begin, size_t end) {
  begin = std::min(begin, line.size());
  end = std::clamp(end, begin, line.size());
  size_t from = begin - std::min(begin, kNearBytes);
  size_t to = std::min(line.size(), begin + kNearBytes);
  while (from > 0 && Continues(line[from])) --from;
  while (to < line.size() && Continues(line[to])) ++to;

  const std::vector<Glyph> glyphs = Glyphs(line, from, to);
  size_t total = 0, part_begin = 0, part_columns = 0;
  for (const Glyph& glyph : glyphs) {
    if (glyph.begin < begin) part_begin += glyph.columns;
    if (glyph.begin >= begin && glyph.begin < end) part_columns += glyph.columns;
    total += glyph.columns;
  }

  const Window window = Fit(part_begin, part_columns, total);
  const bool cut_left = from > 0 || window.begin > 0;
  const bool cut_right = to < line.size() || window.end < total;
  Excerpt excerpt;
  if (cut_left) excerpt.text += kCut;
  size_t column = 0, shown_before = 0, shown_part = 0;
  for (const Glyph& glyph : glyphs) {
    const bool inside = column >= window.begin && column + glyph.columns <= window.end;
    column += glyph.columns;
    if (!inside) continue;
    excerpt.text += glyph.shown;
    if (glyph.begin < begin) shown_before += glyph.columns;
    if (glyph.begin >= begin && glyph.begin < end) shown_part += glyph.columns;
  }
  if (cut_right) excerpt.text += kCut;
  excerpt.indent = shown_before + (cut_left ? 1 : 0);
  excerpt.width = std::max<size_t>(shown_part, 1);
  return excerpt;
}

std::string Printable(std::string_view text) {
  std::string printable;
  printable.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Glyph glyph = GlyphAt(text, at);
    printable += text[at] == '\n' ? std::string_view("\n") : glyph.shown;
    at += glyph.bytes;
  }
  return printable;
}

}  // namespace kb
