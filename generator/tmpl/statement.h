// Statement: what stands in a tag, read but not yet understood.
#pragma once

#include <optional>
#include <string_view>

#include "tmpl/lexer.h"

namespace kb::tmpl {

struct Word {
  std::string_view text;
  Span span;
};

struct Statement {
  enum class Kind : uint8_t { kFor, kIf, kElif, kElse, kEnd, kInclude };
  Kind kind = Kind::kEnd;
  Span span;                   // the whole tag
  Word variable;               // for
  Word path;                   // for: the list; if, elif: what is asked; include: the partial
  bool negated = false;        // `if not`, `is not`
  Word choice;                 // `is`
  std::string_view separator;  // `sep`: between the quotes, as written
};

// Both report what does not read as one. A known keyword makes a statement in any case, without the
// words that were not understood; another one makes none.
std::optional<Statement> ParseStatement(const Token& token, Diagnostics& diags);
std::optional<Word> ParsePath(const Token& hole, Diagnostics& diags);

}  // namespace kb::tmpl
