// Strings: the few operations on text that several stages share. All are locale-free.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kb {

constexpr bool IsDigit(char c) { return c >= '0' && c <= '9'; }
constexpr bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
constexpr bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool IsAlpha(char c) { return IsLower(c) || IsUpper(c); }
constexpr bool IsAlnum(char c) { return IsAlpha(c) || IsDigit(c); }

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string Join(std::span<const std::string> parts, std::string_view separator);
std::string_view Trim(std::string_view text);  // spaces, tabs, CR and LF at both ends

// Whole decimal number without sign, blanks or leading zeros (a lone 0 is one).
std::optional<uint64_t> ParseUnsigned(std::string_view text);

// A day of the calendar, written 2026-06-30.
bool IsDate(std::string_view text);

// The byte where `text` stops being UTF-8, or npos. Surrogates and overlong forms are refused.
size_t FindInvalidUtf8(std::string_view text);

// Levenshtein distance with transpositions counted as one.
size_t EditDistance(std::string_view a, std::string_view b);

// The candidate nearest to `word`, when it is near enough to be what was meant; else empty.
std::string_view Nearest(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace kb
