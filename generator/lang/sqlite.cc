#include <algorithm>
#include <array>

#include "base/strings.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// The SQL of SQLite, for ProxySQL's admin interface: a quote is doubled, a backslash is a
// backslash. The client that brings it there is MySQL's, which ends statements where *it* sees no
// quote open, and to which a backslash escapes one; so none can stand in a value. ProxySQL takes
// `SET name = value` apart itself, before SQLite sees it.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kCode,
  kWord,
  kDash,
  kSlash,
  kLiteral,  // in '…'
  kName,     // in "…"
  kForeign,  // in `…` or […], which SQLite reads to be friends with others
  kClosed,   // behind the end of '…', unless another quote follows
  kNamed,    // behind the end of "…", unless another quote follows
  kLine,     // in -- …
  kBlock,
  kBlockStar,
  kHash,  // behind a `#` outside of quotes
};

enum Flag : uint8_t {
  kBegun = 1,      // the first word of the statement has been read
  kSet = 2,        // it is SET
  kList = 4,       // the variable that it sets is a list
  kBackquote = 8,  // the foreign quote is one
};

constexpr std::array<std::string_view, 1> kStatements = {"set"};
constexpr std::array<std::string_view, 4> kLists = {"admin-admin_credentials", "admin-mysql_ifaces",
                                                    "admin-stats_credentials", "mysql-interfaces"};
static_assert(std::ranges::is_sorted(kLists));

char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

bool IsWordChar(char c) { return IsAlnum(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80; }

Context Go(Context at, State state) {
  at.state = state;
  return at;
}

// `nesting` counts the letters of the first word, then those of the variable's name.
Context Letter(Context at, char c) {
  const auto seen = static_cast<uint16_t>(at.nesting);
  if (!(at.flags & kBegun)) {
    at.nesting = NextLetter(kStatements, seen, Lower(c));
  } else if (at.flags & kSet) {
    at.nesting = NextLetter(kLists, seen, Lower(c));
  }
  return at;
}

Context EndWord(Context at) {
  if (at.state != kWord || at.flags & kBegun) return at;
  at.flags |= kBegun;
  if (WholeWord(kStatements, static_cast<uint16_t>(at.nesting)) >= 0) at.flags |= kSet;
  at.nesting = 0;
  return at;
}

Context InCode(Context at, char c) {
  if (IsWordChar(c)) return Go(Letter(at, c), kWord);
  at = EndWord(at);
  switch (c) {
    case ';':
      return {};
    case '\'':
      return Go(at, kLiteral);
    case '"':
      return Go(at, kName);
    case '`':
      at.flags |= kBackquote;
      return Go(at, kForeign);
    case '[':
      return Go(at, kForeign);
    case '#':
      return Go(at, kHash);
    case '-':
      if (at.state == kDash) return Go(at, kLine);
      return Go(at.flags & kBegun ? Letter(at, c) : at, kDash);
    case '/':
      return Go(at, kSlash);
    case '*':
      return Go(at, at.state == kSlash ? kBlock : kCode);
    case '=':
      if (at.flags & kSet && WholeWord(kLists, static_cast<uint16_t>(at.nesting)) >= 0) {
        at.flags |= kList;
      }
      at.nesting = kOtherWord;
      return Go(at, kCode);
    default:
      return Go(at, kCode);
  }
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kLiteral:
      return c == '\'' ? Go(at, kClosed) : at;
    case kName:
      return c == '"' ? Go(at, kNamed) : at;
    case kClosed:
      return c == '\'' ? Go(at, kLiteral) : InCode(Go(at, kCode), c);
    case kNamed:
      return c == '"' ? Go(at, kName) : InCode(Go(at, kCode), c);
    case kForeign:
      if (c != (at.flags & kBackquote ? '`' : ']')) return at;
      at.flags = static_cast<uint8_t>(at.flags & ~kBackquote);
      return Go(at, kCode);
    case kLine:
      return c == '\n' ? Go(at, kCode) : at;
    case kBlock:
    case kBlockStar:
      if (at.state == kBlockStar && c == '/') return Go(at, kCode);
      return Go(at, c == '*' ? kBlockStar : kBlock);
    case kHash:
      return at;
    default:
      return InCode(at, c);
  }
}

Context AfterHole(Context at) {
  if (at.state > kSlash) return at;
  at = EndWord(at);
  if (at.flags & kBegun) at.nesting = kOtherWord;
  return Go(at, kWord);
}

std::string_view NotSqliteText(std::string_view value) {
  if (HasNul(value)) return kNulRefused;
  if (value.find('\\') != std::string_view::npos) {
    return "the client would take a backslash for the escape of what follows, SQLite for itself";
  }
  if (HasControl(value, "\t\n")) return kControlRefused;
  return {};
}

template <char quote>
std::string_view WriteInQuotes(std::string_view value, Context, std::string& out) {
  constexpr char kQuote[] = {quote, '\0'};
  if (const auto why = NotSqliteText(value); !why.empty()) return why;
  AppendEscaped(value, kQuote, quote, out);
  return {};
}

template <EscapeFn Inside>
std::string_view WriteInSet(std::string_view value, Context at, std::string& out) {
  if (HasAny(value, "\t\n") || HasOuterBlank(value) || value.contains("  ")) {
    return "ProxySQL joins the blanks of a SET statement, those in quotes too";
  }
  if (value.find('=') != std::string_view::npos) {
    return "ProxySQL cuts a SET statement off at its second `=`, which may stand in quotes";
  }
  return Inside(value, at, out);
}

// `name:password;name:password`, or `address:port;address:port`.
template <EscapeFn Inside>
std::string_view WriteListed(std::string_view value, Context at, std::string& out) {
  if (!IsSecretToken(value) && HasAny(value, ":;")) {
    return "ProxySQL reads `:` and `;` as the ends of the names and passwords of this list";
  }
  return WriteInSet<Inside>(value, at, out);
}

// SQLite has no booleans.
std::string_view WriteSwitch(std::string_view value, Context, std::string& out) {
  out += value == "true" ? '1' : '0';
  return {};
}

template <char quote>
Fit AdmitQuoted(Context at, ValueClass value) {
  constexpr EscapeFn kInside = WriteInQuotes<quote>;
  if (at.flags & kList && value != ValueClass::kInt) return Write(WriteListed<kInside>);
  return Write(at.flags & kSet ? WriteInSet<kInside> : kInside);
}

Fit AdmitCode(ValueClass value) {
  if (value == ValueClass::kInt) return Write(WriteNumber);
  if (value == ValueClass::kBool) return Write(WriteSwitch);
  return Refuse("outside of quotes SQL has numbers only: write '…' or \"…\" around it");
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case kLiteral:
      return AdmitQuoted<'\''>(at, value);
    case kName:
      return AdmitQuoted<'"'>(at, value);
    case kForeign:
      return Refuse("a name stands in \"…\"");
    case kClosed:
    case kNamed:
      return Refuse("a value right behind a quote would become a part of what it ends");
    case kLine:
      return Write(WriteComment);
    case kBlock:
    case kBlockStar:
      return Refuse("a value could end the comment: write it behind `-- `");
    default:
      return AdmitCode(value);
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kLiteral:
      return "inside a string literal";
    case kName:
    case kForeign:
      return "inside a quoted name";
    case kClosed:
    case kNamed:
      return "behind a quote";
    case kLine:
    case kBlock:
    case kBlockStar:
      return "in a comment";
    default:
      return "outside of quotes";
  }
}

bool MayEnd(Context at) {
  return at.state <= kSlash || at.state == kClosed || at.state == kNamed || at.state == kLine;
}

constexpr Language kSqlite = {
    .name = "sqlite",
    .comment = "-- ",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = [](Context at) -> std::string_view {
      return at.state == kHash ? "`#` begins a comment for the client and is an error for SQLite"
                               : "";
    },
};

}  // namespace

const Language& Sqlite() { return kSqlite; }

}  // namespace kb::lang
