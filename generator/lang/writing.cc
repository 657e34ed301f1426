#include "lang/writing.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/scan.h"

namespace kb::lang {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void AppendUnit(char32_t unit, std::string& out) {
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[unit >> shift & 0xF];
}

}  // namespace

std::string_view WriteComment(std::string_view value, Context, std::string& out) {
  while (!value.empty()) {
    const Character c = FirstCharacter(value);
    if (IsControl(c.code) || IsInvisible(c.code)) {
      out += ' ';
    } else {
      out += value.substr(0, c.size);
    }
    value.remove_prefix(c.size);
  }
  return {};
}

Character FirstCharacter(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  const size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (size == 1 || text.size() < size) return {lead, 1};
  char32_t code = lead & (0x7Fu >> size);
  for (size_t i = 1; i < size; ++i) code = code << 6 | (byte(i) & 0x3Fu);
  return {code, size};
}

bool IsInvisible(char32_t c) {
  return c == 0x061C || (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF;
}

bool HasControl(std::string_view value, std::string_view allowed) {
  return std::ranges::any_of(value, [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 || byte == 0x7f) && allowed.find(c) == std::string_view::npos;
  });
}

bool HasAny(std::string_view value, std::string_view bytes) {
  return value.find_first_of(bytes) != std::string_view::npos;
}

bool HasOuterBlank(std::string_view value) {
  return !value.empty() && (IsBlank(value.front()) || IsBlank(value.back()));
}

bool HasNul(std::string_view value) { return value.find('\0') != std::string_view::npos; }

bool HasLineEnd(std::string_view value) { return HasAny(value, "\n\r"); }

std::string_view NotOneLine(std::string_view value) {
  if (HasNul(value)) return kNulRefused;
  if (HasLineEnd(value)) return kNewlineRefused;
  return {};
}

std::string_view NotTrimmedLine(std::string_view value) {
  if (const std::string_view why = NotOneLine(value); !why.empty()) return why;
  return HasOuterBlank(value) ? kOuterBlankRefused : std::string_view();
}

bool BeginsWord(std::string_view out) {
  while (!out.empty() && (out.back() == '\'' || out.back() == '"')) out.remove_suffix(1);
  return out.empty() || IsBlank(out.back()) || out.back() == '\n';
}

bool BeginsQuotedWord(std::string_view out) {
  return !out.empty() && (out.back() == '\'' || out.back() == '"') && BeginsWord(out);
}

bool IsSecretToken(std::string_view value) {
  constexpr std::string_view kEnds = "@@";
  if (value.size() < 7 || !value.starts_with(kEnds) || !value.ends_with(kEnds)) return false;
  value = value.substr(2, value.size() - 4);
  const size_t colon = value.find(':');
  if (colon == 0 || colon + 1 >= value.size()) return false;
  const std::string_view file = value.substr(0, colon);
  const std::string_view key = value.substr(colon + 1);
  const auto in_file = [](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; };
  const auto in_key = [](char c) { return IsAlnum(c) || c == '_'; };
  return IsAlnum(file[0]) && std::ranges::all_of(file, in_file) && !IsDigit(key[0]) &&
         std::ranges::all_of(key, in_key);
}

std::string_view WriteNumber(std::string_view value, Context, std::string& out) {
  if (value.starts_with('-') && out.ends_with('-')) {
    return "with the minus sign before it, its own would begin something else";
  }
  out += value;
  return {};
}

size_t QuotedSize(std::string_view out, char quote) {
  size_t size = 0;
  while (!out.empty()) {
    if (out.back() == quote) {
      out.remove_suffix(1);
      if (out.empty() || out.back() != quote) break;
    }
    out.remove_suffix(1);
    ++size;
  }
  return size;
}

void AppendEscaped(std::string_view value, std::string_view special, char escape,
                   std::string& out) {
  for (const char c : value) {
    if (special.find(c) != std::string_view::npos) out += escape;
    out += c;
  }
}

void AppendHex(unsigned char byte, std::string& out) {
  out += kHex[byte >> 4];
  out += kHex[byte & 0xF];
}

void AppendJsonEscaped(std::string_view value, std::string& out) {
  while (!value.empty()) {
    const Character c = FirstCharacter(value);
    switch (c.code) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\t':
        out += "\\t";
        break;
      case '\r':
        out += "\\r";
        break;
      default:
        if (IsControl(c.code) || IsInvisible(c.code)) {
          AppendUnit(c.code, out);
        } else {
          out += value.substr(0, c.size);
        }
    }
    value.remove_prefix(c.size);
  }
}

}  // namespace kb::lang
