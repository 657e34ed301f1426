#include "base/strings.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// SQL as MySQL and MariaDB read it under their default sql_mode: in '…' and "…" backslashes escape,
// names stand in `…`, and `--` needs a blank behind it. It comes to the server by their own client,
// which rewrites line ends in a literal and takes the bytes for what its locale says; so line ends
// are written as escapes, and what is not ASCII needs a SET NAMES before it.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kCode,
  kWord,      // in a bare word or number; `flags`: its letter, if it is the only one
  kDash,      // behind a `-`
  kDashDash,  // behind two
  kSlash,
  kLiteral,  // in '…'
  kString,   // in "…"
  kName,     // in `…`
  kBits,     // in x'…' or b'…'
  kClosed,   // behind a quote that ends one, unless another follows; `flags`: which State
  kLine,     // in -- … or # …
  kBlock,
  kBlockStar,
};

enum Flag : uint8_t { kEscaped = 1 };

Context Go(State state, uint8_t flags = 0) { return {.state = state, .flags = flags}; }

bool IsWordChar(char c) {
  return IsAlnum(c) || c == '_' || c == '$' || static_cast<unsigned char>(c) >= 0x80;
}

Context InCode(Context at, char c) {
  switch (c) {
    case '\'': {
      const bool bits =
          at.state == kWord && std::string_view("xXbB").contains(static_cast<char>(at.flags));
      return Go(bits ? kBits : kLiteral);
    }
    case '"':
      return Go(kString);
    case '`':
      return Go(kName);
    case '#':
      return Go(kLine);
    case '-':
      return Go(at.state == kDash || at.state == kDashDash ? kDashDash : kDash);
    case '/':
      return Go(kSlash);
    case '*':
      return Go(at.state == kSlash ? kBlock : kCode);
    default:
      if (at.state == kDashDash && static_cast<unsigned char>(c) <= ' ') {
        return Go(c == '\n' ? kCode : kLine);
      }
      if (!IsWordChar(c)) return Go(kCode);
      return Go(kWord, at.state == kWord ? uint8_t{1} : static_cast<uint8_t>(c));
  }
}

char QuoteOf(uint8_t state) { return state == kString ? '"' : state == kName ? '`' : '\''; }

Context InQuotes(Context at, char c) {
  if (at.flags & kEscaped) return Go(static_cast<State>(at.state));
  if (c == '\\' && at.state != kName) return Go(static_cast<State>(at.state), kEscaped);
  return c == QuoteOf(at.state) ? Go(kClosed, at.state) : at;
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kLiteral:
    case kString:
    case kName:
    case kBits:
      return InQuotes(at, c);
    case kClosed:
      if (c == QuoteOf(at.flags)) return Go(static_cast<State>(at.flags));
      return InCode({}, c);
    case kLine:
      return c == '\n' ? Context{} : at;
    case kBlock:
    case kBlockStar:
      if (at.state == kBlockStar && c == '/') return {};
      return Go(c == '*' ? kBlockStar : kBlock);
    default:
      return InCode(at, c);
  }
}

Context AfterHole(Context at) { return at.state <= kSlash ? Go(kWord, 1) : at; }

// Only a template can write that at a line's beginning: no value in a literal or in a comment
// brings a line end.
bool NamesUtf8(std::string_view out) {
  constexpr std::string_view kNames = "SET NAMES utf8mb4;";
  return out.starts_with(kNames) || out.contains("\nSET NAMES utf8mb4;");
}

std::string_view NotMysqlText(std::string_view value, std::string_view out) {
  if (HasNul(value)) return kNulRefused;
  if (FindInvalidUtf8(value) != std::string_view::npos) return "MySQL refuses what is not UTF-8";
  for (const char c : value) {
    if (static_cast<unsigned char>(c) < 0x80 || NamesUtf8(out)) continue;
    return "what is not ASCII needs the line `SET NAMES utf8mb4;` before it: else it is read as "
           "the "
           "client's locale says";
  }
  return {};
}

template <char quote>
std::string_view WriteInQuotes(std::string_view value, Context, std::string& out) {
  if (const auto why = NotMysqlText(value, out); !why.empty()) return why;
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else {
      if (c == quote) out += quote;
      if (c == '\\') out += '\\';
      out += c;
    }
  }
  return {};
}

std::string_view WriteInName(std::string_view value, Context, std::string& out) {
  constexpr size_t kLongestName = 64;
  if (const auto why = NotMysqlText(value, out); !why.empty()) return why;
  if (HasControl(value)) return kControlRefused;
  if (value.empty()) return "a name cannot be empty";
  if (IsBlank(value.back())) return "a name cannot end in a blank";
  for (std::string_view rest = value; !rest.empty();) {
    const Character c = FirstCharacter(rest);
    if (c.code > 0xFFFF) return "MySQL has no characters beyond U+FFFF in a name";
    rest.remove_prefix(c.size);
  }
  AppendEscaped(value, "`", '`', out);
  if (QuotedSize(out, '`') > kLongestName) return "MySQL has no names beyond 64 bytes";
  return {};
}

Fit AdmitCode(ValueClass value) {
  if (value == ValueClass::kInt || value == ValueClass::kBool) return Write(WriteNumber);
  return Refuse("outside of quotes SQL has numbers and booleans only: write '…' or `…` around it");
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case kLiteral:
    case kString:
      if (at.flags & kEscaped) return Refuse(kEscapeBefore);
      return Write(at.state == kLiteral ? WriteInQuotes<'\''> : WriteInQuotes<'"'>);
    case kName:
      return Write(WriteInName);
    case kBits:
      return Refuse("a literal of bits is written out");
    case kClosed:
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
    case kString:
    case kBits:
      return "inside a string literal";
    case kName:
      return "inside a quoted name";
    case kClosed:
      return "behind a quote";
    case kLine:
    case kBlock:
    case kBlockStar:
      return "in a comment";
    default:
      return "outside of quotes";
  }
}

constexpr Language kMysql = {
    .name = "mysql",
    .comment = "-- ",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end =
        [](Context at) { return at.state <= kSlash || at.state == kClosed || at.state == kLine; },
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Mysql() { return kMysql; }

}  // namespace kb::lang
