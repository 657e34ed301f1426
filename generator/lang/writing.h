// Writing: the escapers and the refusals that several languages share.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lang/language.h"

namespace kb::lang {

inline constexpr std::string_view kNulRefused = "a NUL cannot stand in a text file";
inline constexpr std::string_view kNewlineRefused =
    "a line end cannot stand in a value of one line";
inline constexpr std::string_view kOuterBlankRefused =
    "blanks at the beginning or the end of the value would be lost";
inline constexpr std::string_view kUnclosedQuote = "a quote must be closed on its own line";
inline constexpr std::string_view kControlRefused = "a control character cannot stand here";
inline constexpr std::string_view kTouchesQuote = "a value must not touch the quote before it";
inline constexpr std::string_view kEscapeBefore =
    "the backslash before it would change what it means";
inline constexpr std::string_view kQuoteText = "put the whole value between double quotes";

inline Fit Refuse(std::string_view why) { return {.refusal = why}; }
inline Fit Write(EscapeFn escape) { return {.escape = escape}; }

// For comments: what could end the line, or show a reviewer another text than the bytes say
// (controls, line separators, bidirectional overrides), becomes a space.
std::string_view WriteComment(std::string_view value, Context at, std::string& out);

// One character of UTF-8. A byte that begins none is a character of its own.
struct Character {
  char32_t code = 0;
  size_t size = 1;
};
Character FirstCharacter(std::string_view text);

// C0, DEL and C1 controls.
constexpr bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7f && c <= 0x9f); }
// Line and paragraph separators, bidirectional controls, the byte order mark: characters that
// change how the text around them is read or shown.
bool IsInvisible(char32_t c);

// C0 controls and DEL, other than those of `allowed`.
bool HasControl(std::string_view value, std::string_view allowed = {});
bool HasAny(std::string_view value, std::string_view bytes);
bool HasOuterBlank(std::string_view value);
bool HasNul(std::string_view value);
bool HasLineEnd(std::string_view value);  // LF or CR

// Why `value` cannot be part of a line, or empty: NUL, LF and CR.
std::string_view NotOneLine(std::string_view value);
// The same, and no blanks at either end.
std::string_view NotTrimmedLine(std::string_view value);

// Whether what is written next begins a word, as far as a reader of words sees it: empty values in
// quotes before it leave nothing behind. Outside of quotes only.
bool BeginsWord(std::string_view out);
// The same inside quotes: an opening quote is the last byte only while nothing was written in them.
bool BeginsQuotedWord(std::string_view out);

// Whether a value is the token of a secret, `@@file:KEY@@`. Another value of letters and digits
// takes its place when the file is installed, so no language may write a token in any other way.
bool IsSecretToken(std::string_view value);

// For integers outside of quotes: two minus signs in a row are a comment, or another operator.
std::string_view WriteNumber(std::string_view value, Context at, std::string& out);

// The bytes of the quoted name that `out` ends in, behind its opening quote; a doubled quote counts
// once.
size_t QuotedSize(std::string_view out, char quote);

// `value` with `escape` in front of each of `special`.
void AppendEscaped(std::string_view value, std::string_view special, char escape, std::string& out);

// Two hexadecimal digits of a byte.
void AppendHex(unsigned char byte, std::string& out);

// The inside of a string as JSON has it, which is also one of YAML: \" \\ \n \t \r, and \uXXXX for
// controls and for what is invisible. Needs UTF-8 in `value`.
void AppendJsonEscaped(std::string_view value, std::string& out);

}  // namespace kb::lang
