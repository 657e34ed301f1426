#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// SQL as PostgreSQL reads it with standard_conforming_strings on, which is its default: a quote is
// doubled, and a backslash is a backslash. Bare stand numbers and booleans only, because SQL has no
// other bare values: an atom there would be a name.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kCode,
  kWord,        // in a bare word or number
  kDash,        // behind a `-`
  kSlash,       // behind a `/`
  kDollar,      // in what may become the opening of a dollar quote
  kLiteral,     // in '…'
  kEscapes,     // in E'…'
  kIdentifier,  // in "…"
  kClosed,      // behind a quote that ends one, unless another follows; `flags`: which State
  kLine,        // in -- …
  kBlock,       // in /* … */, which nest: `nesting` counts them
  kBlockStar,   // there, behind `*`
  kBlockSlash,  // there, behind `/`
  kBody,        // in a dollar quote
  kBackslash,   // in a command of psql
};

Context Go(Context at, State state, uint8_t flags = 0) {
  at.state = state;
  at.flags = flags;
  return at;
}

bool IsWordChar(char c) { return IsAlnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

// A dollar quote ends in the very tag that it began with, which can be of any length: holes and
// statements inside are refused, so it is enough to remember the tag by its hash.
constexpr uint64_t kNoTag = 1469598103934665603u;
uint64_t WithLetter(uint64_t tag, char c) {
  return (tag ^ static_cast<unsigned char>(c)) * 1099511628211u;
}

Context InCode(Context at, char c) {
  switch (c) {
    case '\'': {
      // E'…' and e'…' know backslashes; `flags` of a word is its only letter.
      const bool escapes = at.state == kWord && (at.flags == 'e' || at.flags == 'E');
      return Go(at, escapes ? kEscapes : kLiteral);
    }
    case '"':
      return Go(at, kIdentifier);
    case '-':
      return Go(at, at.state == kDash ? kLine : kDash);
    case '/':
      return Go(at, kSlash);
    case '*':
      at.nesting = at.state == kSlash ? 1 : 0;
      return Go(at, at.state == kSlash ? kBlock : kCode);
    case '\\':
      return Go(at, kBackslash);
    case '$':
      if (at.state == kWord) return at;
      at.nesting = kNoTag;
      return Go(at, kDollar);
    default:
      if (!IsWordChar(c)) return Go(at, kCode);
      return Go(at, kWord, at.state == kWord ? uint8_t{1} : static_cast<uint8_t>(c));
  }
}

Context InBlock(Context at, char c) {
  if (at.state == kBlockStar && c == '/') {
    --at.nesting;
    return Go(at, at.nesting == 0 ? kCode : kBlock);
  }
  if (at.state == kBlockSlash && c == '*') {
    ++at.nesting;
    return Go(at, kBlock);
  }
  return Go(at, c == '*' ? kBlockStar : c == '/' ? kBlockSlash : kBlock);
}

// The hash of the opening tag is the upper half of `nesting`, that of a candidate for the closing
// one the lower; `flags` is 1 while a candidate is read.
constexpr uint64_t kHalf = 0xFFFFFFFF;

Context InDollar(Context at, char c) {
  if (c == '$') {
    at.nesting = (at.nesting & kHalf) << 32;
    return Go(at, kBody);
  }
  if (IsWordChar(c)) {
    at.nesting = WithLetter(at.nesting, c);
    return at;
  }
  at.nesting = 0;
  return InCode(Go(at, kCode), c);
}

Context InBody(Context at, char c) {
  const uint64_t opening = at.nesting >> 32;
  const uint64_t candidate = at.nesting & kHalf;
  if (c == '$') {
    if (at.flags != 0 && candidate == opening) return {};
    at.nesting = opening << 32 | (kNoTag & kHalf);
    return Go(at, kBody, 1);
  }
  if (at.flags == 0 || !IsWordChar(c)) return Go(at, kBody);
  // The low half of a product depends on the low halves of its factors alone.
  at.nesting = opening << 32 | (WithLetter(candidate, c) & kHalf);
  return at;
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kLiteral:
    case kIdentifier:
      if (c != (at.state == kLiteral ? '\'' : '"')) return at;
      return Go(at, kClosed, at.state);
    case kClosed: {
      const auto inside = static_cast<State>(at.flags);
      if (c == (inside == kLiteral ? '\'' : '"')) return Go(at, inside);
      return InCode(Go(at, kCode), c);
    }
    case kEscapes:
      if (at.flags != 0) return Go(at, kEscapes);
      if (c == '\\') return Go(at, kEscapes, 1);
      return c == '\'' ? Go(at, kCode) : at;
    case kLine:
    case kBackslash:
      return c == '\n' ? Context{} : at;
    case kBlock:
    case kBlockStar:
    case kBlockSlash:
      return InBlock(at, c);
    case kDollar:
      return InDollar(at, c);
    case kBody:
      return InBody(at, c);
    default:
      return InCode(at, c);
  }
}

Context AfterHole(Context at) {
  if (at.state == kCode || at.state == kDash || at.state == kSlash) return Go(at, kWord, 1);
  return at;
}

std::string_view NotDatabaseText(std::string_view value) {
  if (HasNul(value)) return kNulRefused;
  if (FindInvalidUtf8(value) != std::string_view::npos)
    return "PostgreSQL refuses what is not UTF-8";
  return {};
}

std::string_view WriteInLiteral(std::string_view value, Context, std::string& out) {
  if (const auto why = NotDatabaseText(value); !why.empty()) return why;
  AppendEscaped(value, "'", '\'', out);
  return {};
}

std::string_view WriteInIdentifier(std::string_view value, Context, std::string& out) {
  constexpr size_t kLongestName = 63;
  if (const auto why = NotDatabaseText(value); !why.empty()) return why;
  if (value.empty()) return "an identifier cannot be empty";
  AppendEscaped(value, "\"", '"', out);
  if (QuotedSize(out, '"') > kLongestName) return "PostgreSQL cuts identifiers off at 63 bytes";
  return {};
}

// psql reads a colon as the beginning of a variable.
std::string_view WritePsqlWord(std::string_view value, Context at, std::string& out) {
  if (value.find(':') != std::string_view::npos) {
    return "in a command of psql a colon begins a variable";
  }
  return WriteBare(value, at, out);
}

Fit AdmitCode(Context at, ValueClass value) {
  if (at.state == kDash) return Refuse("with a minus sign of its own it would begin a comment");
  if (value == ValueClass::kInt || value == ValueClass::kBool) return Write(WriteBare);
  return Refuse(
      "outside of quotes SQL has numbers and booleans only: write '…' or \"…\" around it");
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case kCode:
    case kWord:
    case kDash:
    case kSlash:
      return AdmitCode(at, value);
    case kLiteral:
      return Write(WriteInLiteral);
    case kIdentifier:
      return Write(WriteInIdentifier);
    case kLine:
      return Write(WriteComment);
    case kEscapes:
      return Refuse("in E'…' backslashes mean something: use '…'");
    case kBackslash:
      if (value == ValueClass::kText) return Refuse("a command of psql takes atoms only");
      return Write(WritePsqlWord);
    case kBlock:
    case kBlockStar:
    case kBlockSlash:
      return Refuse("a value could end the comment: write it behind `--`");
    case kClosed:
      return Refuse("a value right behind a quote would become a part of what it ends");
    default:
      return Refuse("what stands in a dollar quote is often a program: pass the value as '…'");
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kLiteral:
    case kEscapes:
      return "inside a string literal";
    case kIdentifier:
      return "inside a quoted identifier";
    case kClosed:
      return "behind a quote";
    case kLine:
    case kBlock:
    case kBlockStar:
    case kBlockSlash:
      return "in a comment";
    case kDollar:
    case kBody:
      return "inside a dollar quote";
    case kBackslash:
      return "in a command of psql";
    default:
      return "outside of quotes";
  }
}

bool MayEnd(Context at) {
  return at.state <= kSlash || at.state == kClosed || at.state == kLine || at.state == kBackslash;
}

constexpr Language kSql = {
    .name = "sql",
    .comment = "--",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Sql() { return kSql; }

}  // namespace kb::lang
