#include "tmpl/statement.h"

#include <algorithm>

#include "base/strings.h"
#include "diag/kinds.h"

namespace kb::tmpl {
namespace {

using Kind = Statement::Kind;

struct Form {
  std::string_view keyword;
  Kind kind;
  std::string_view form;  // for messages
};

constexpr Form kForms[] = {
    {"for", Kind::kFor, "for NAME in PATH sep \"TEXT\""},
    {"if", Kind::kIf, "if not PATH` or `if PATH is not CHOICE"},
    {"elif", Kind::kElif, "elif not PATH` or `elif PATH is not CHOICE"},
    {"else", Kind::kElse, "else"},
    {"end", Kind::kEnd, "end"},
    {"include", Kind::kInclude, "include NAME"},
};

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

bool IsName(std::string_view text) {
  if (text.empty() || IsDigit(text.front())) return false;
  return std::ranges::all_of(text, [](char c) { return IsAlnum(c) || c == '_' || c == '-'; });
}

bool IsPath(std::string_view text) { return std::ranges::all_of(Split(text, '.'), IsName); }

// The words of a tag; a text between double quotes is one of them, quotes included.
class Words {
 public:
  Words(std::string_view inside, uint32_t begin) : rest_(inside), begin_(begin) {}

  Word Next() {
    while (!rest_.empty() && IsSpace(rest_.front())) Skip(1);
    const size_t size = rest_.starts_with('"') ? QuotedSize() : PlainSize();
    const Word word{rest_.substr(0, size), {begin_, begin_ + static_cast<uint32_t>(size)}};
    Skip(size);
    return word;
  }

 private:
  void Skip(size_t size) {
    rest_.remove_prefix(size);
    begin_ += static_cast<uint32_t>(size);
  }
  size_t PlainSize() const {
    return static_cast<size_t>(std::ranges::find_if(rest_, IsSpace) - rest_.begin());
  }
  size_t QuotedSize() const {
    size_t at = 1;
    while (at < rest_.size() && rest_[at] != '"') at += rest_[at] == '\\' ? 2 : 1;
    return std::min(at + 1, rest_.size());
  }

  std::string_view rest_;
  uint32_t begin_;
};

bool ReadSeparator(Word word, std::string_view& separator) {
  const std::string_view text = word.text;
  if (text.size() < 2 || !text.starts_with('"') || !text.ends_with('"')) return false;
  separator = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < separator.size(); ++i) {
    if (separator[i] != '\\') continue;
    if (++i == separator.size() || !std::string_view("nt\"\\").contains(separator[i])) return false;
  }
  return true;
}

bool ReadFor(Words& words, Statement& statement) {
  statement.variable = words.Next();
  if (words.Next().text != "in") return false;
  statement.path = words.Next();
  if (!IsName(statement.variable.text) || !IsPath(statement.path.text)) return false;
  const Word sep = words.Next();
  if (sep.text.empty()) return true;
  return sep.text == "sep" && ReadSeparator(words.Next(), statement.separator);
}

bool ReadCondition(Words& words, Statement& statement) {
  statement.path = words.Next();
  const bool leading_not = statement.path.text == "not";
  if (leading_not) statement.path = words.Next();
  statement.negated = leading_not;
  if (!IsPath(statement.path.text)) return false;
  const Word is = words.Next();
  if (is.text.empty()) return true;
  if (is.text != "is" || leading_not) return false;
  statement.choice = words.Next();
  if (statement.choice.text == "not") {
    // A choice may itself be called `not`; then it is the last word.
    if (const Word choice = words.Next(); !choice.text.empty()) {
      statement.choice = choice;
      statement.negated = true;
    }
  }
  return !statement.choice.text.empty();
}

bool ReadRest(Words& words, Statement& statement) {
  switch (statement.kind) {
    case Kind::kFor:
      return ReadFor(words, statement);
    case Kind::kIf:
    case Kind::kElif:
      return ReadCondition(words, statement);
    case Kind::kInclude:
      statement.path = words.Next();
      return !statement.path.text.empty();
    case Kind::kElse:
    case Kind::kEnd:
      return true;
  }
  return false;
}

}  // namespace

std::optional<Statement> ParseStatement(const Token& token, Diagnostics& diags) {
  Words words(token.text, token.text_begin);
  const Word keyword = words.Next();
  const auto form = std::ranges::find(kForms, keyword.text, &Form::keyword);
  if (form == std::end(kForms)) {
    std::vector<std::string_view> known;
    for (const Form& row : kForms) known.push_back(row.keyword);
    const std::string_view near = Nearest(keyword.text, known);
    diags.Emit(diag::kTmplUnknownStatement, token.span,
               {.help = near.empty() ? std::string("a hole is written `<%= path %>`")
                                     : fmt::format("did you mean `{}`?", near)},
               keyword.text);
    return {};
  }
  Statement statement{.kind = form->kind, .span = token.span};
  if (ReadRest(words, statement) && words.Next().text.empty()) return statement;
  diags.Emit(diag::kTmplMalformed, token.span, form->form);
  // Its `end` will come all the same.
  return Statement{.kind = form->kind, .span = token.span};
}

std::optional<Word> ParsePath(const Token& hole, Diagnostics& diags) {
  if (IsPath(hole.text)) {
    return Word{hole.text,
                {hole.text_begin, hole.text_begin + static_cast<uint32_t>(hole.text.size())}};
  }
  diags.Emit(diag::kTmplMalformed, hole.span, "<%= PATH %>");
  return {};
}

}  // namespace kb::tmpl
