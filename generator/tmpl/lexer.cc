#include "tmpl/lexer.h"

#include "base/strings.h"
#include "diag/kinds.h"

namespace kb::tmpl {
namespace {

constexpr size_t kNone = std::string_view::npos;

class Lexer {
 public:
  Lexer(std::string_view text, uint32_t begin, Diagnostics& diags)
      : text_(text), begin_(begin), diags_(diags) {}
  std::vector<Token> Run();

 private:
  size_t FindClose(size_t open) const;
  void Literal(size_t from, size_t to);
  bool IsAlone(size_t open, size_t close) const;
  Span SpanOf(size_t from, size_t to) const {
    return {begin_ + static_cast<uint32_t>(from), begin_ + static_cast<uint32_t>(to)};
  }

  std::string_view text_;
  uint32_t begin_;
  Diagnostics& diags_;
  std::vector<Token> tokens_;
  size_t literal_from_ = 0;
};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// The end of the tag that opens at `open`, or kNone. A `%>` between double quotes does not close a
// statement; in notes and holes quotes mean nothing.
size_t Lexer::FindClose(size_t open) const {
  const char kind = open + 2 < text_.size() ? text_[open + 2] : ' ';
  if (kind == '#' || kind == '=') {
    const size_t close = text_.find("%>", open + 2);
    return close == kNone ? kNone : close + 2;
  }
  bool quoted = false;
  for (size_t i = open + 2; i + 1 < text_.size(); ++i) {
    if (quoted && text_[i] == '\\') {
      ++i;
    } else if (text_[i] == '"') {
      quoted = !quoted;
    } else if (!quoted && text_[i] == '%' && text_[i + 1] == '>') {
      return i + 2;
    }
  }
  return kNone;
}

void Lexer::Literal(size_t from, size_t to) {
  if (from < to)
    tokens_.push_back({Token::Kind::kLiteral, text_.substr(from, to - from), SpanOf(from, to),
                       begin_ + static_cast<uint32_t>(from)});
}

bool Lexer::IsAlone(size_t open, size_t close) const {
  while (open > 0 && IsBlank(text_[open - 1])) --open;
  while (close < text_.size() && IsBlank(text_[close])) ++close;
  return (open == 0 || text_[open - 1] == '\n') && (close == text_.size() || text_[close] == '\n');
}

std::vector<Token> Lexer::Run() {
  for (size_t open; (open = text_.find("<%", literal_from_)) != kNone;) {
    if (text_.substr(open).starts_with("<%%")) {
      Literal(literal_from_, open + 2);
      literal_from_ = open + 3;
      continue;
    }
    const size_t close = FindClose(open);
    if (close == kNone) {
      diags_.Emit(diag::kTmplUnclosedTag, SpanOf(open, open + 2));
      literal_from_ = text_.size();
      return std::move(tokens_);
    }
    const char kind = text_[open + 2];
    size_t literal_to = open;
    size_t next = close;
    if (kind != '=' && IsAlone(open, close)) {
      while (literal_to > literal_from_ && IsBlank(text_[literal_to - 1])) --literal_to;
      while (next < text_.size() && IsBlank(text_[next])) ++next;
      if (next < text_.size()) ++next;
    }
    Literal(literal_from_, literal_to);
    literal_from_ = next;
    if (kind == '#') continue;
    const size_t inside = kind == '=' ? open + 3 : open + 2;
    const std::string_view trimmed = Trim(text_.substr(inside, close - 2 - inside));
    tokens_.push_back({kind == '=' ? Token::Kind::kHole : Token::Kind::kStatement, trimmed,
                       SpanOf(open, close),
                       begin_ + static_cast<uint32_t>(trimmed.data() - text_.data())});
  }
  Literal(literal_from_, text_.size());
  return std::move(tokens_);
}

}  // namespace

std::vector<Token> Lex(std::string_view text, uint32_t begin, Diagnostics& diags) {
  return Lexer(text, begin, diags).Run();
}

}  // namespace kb::tmpl
