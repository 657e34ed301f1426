// Lexer: cuts a template into literal text and tags.
#pragma once

#include <string_view>
#include <vector>

#include "diag/diagnostic.h"

namespace kb::tmpl {

struct Token {
  enum class Kind : uint8_t { kLiteral, kHole, kStatement };
  Kind kind = Kind::kLiteral;
  std::string_view text;    // the literal; the inside of a tag without its blanks
  Span span;                // the whole token, `<%` and `%>` included
  uint32_t text_begin = 0;  // where `text` begins
};

// Cuts `text`, which begins at offset `begin` of the sources. Notes are gone, and so is the line of
// a statement that stands alone on it. An unclosed tag is reported and ends the list.
std::vector<Token> Lex(std::string_view text, uint32_t begin, Diagnostics& diags);

}  // namespace kb::tmpl
