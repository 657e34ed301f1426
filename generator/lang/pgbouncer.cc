#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// What PgBouncer and libpq read. In pgbouncer.ini a value is the rest of its line, except under
// [databases] and [users], where it is a list of `key=value` whose values may stand in single
// quotes, doubled inside. (Its manual quotes names too; PgBouncer 1.18 does not read that.) libpq's
// own connection strings escape them by a backslash instead. userlist.txt has double quotes,
// doubled inside.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,
  kComment,
  kSection,
  kKey,
  kKeyQuoted,  // userlist.txt: in "…"
  kEmpty,      // behind the `=`: nothing but blanks so far
  kRest,       // in a value that is the rest of its line
  kPairKey,    // where the key of a pair is due, or in it
  kPairStart,  // behind its `=`
  kPairWord,
  kPairQuoted,  // in '…'
  kPairClosed,  // behind its end, unless another quote follows
  kUnclosed,
};

enum Flag : uint8_t {
  kPairs = 1,    // under [databases] or [users]
  kEscaped = 2,  // libpq: behind a backslash
};

constexpr std::array<std::string_view, 2> kPairSections = {"databases", "users"};
static_assert(std::ranges::is_sorted(kPairSections));

Context Go(Context at, State state) {
  at.state = state;
  at.nesting = 0;
  return at;
}

Context InPair(Context at, char c) {
  switch (at.state) {
    case kPairKey:
      return c == '=' ? Go(at, kPairStart) : at;
    case kPairStart:
      if (IsBlank(c)) return at;
      return Go(at, c == '\'' ? kPairQuoted : kPairWord);
    case kPairQuoted:
      return c == '\'' ? Go(at, kPairClosed) : at;
    case kPairClosed:
      if (c == '\'') return Go(at, kPairQuoted);
      [[fallthrough]];
    default:
      return IsBlank(c) ? Go(at, kPairKey) : Go(at, kPairWord);
  }
}

Context InSection(Context at, char c) {
  if (c == ']') {
    const bool pairs = WholeWord(kPairSections, static_cast<uint16_t>(at.nesting)) >= 0;
    at.flags = pairs ? kPairs : 0;
    return Go(at, kComment);
  }
  at.nesting = NextLetter(kPairSections, static_cast<uint16_t>(at.nesting), c);
  return at;
}

bool InQuotes(Context at) { return at.state == kPairQuoted || at.state == kKeyQuoted; }

Context Step(Context at, char c) {
  if (at.state == kUnclosed) return at;
  if (c == '\n') return Go(at, InQuotes(at) ? kUnclosed : kLine);
  switch (at.state) {
    case kLine:
      if (IsBlank(c)) return at;
      if (c == '#' || c == ';') return Go(at, kComment);
      if (c == '[') return Go(at, kSection);
      [[fallthrough]];
    case kKey:
      return Go(at, c == '=' ? kEmpty : kKey);
    case kSection:
      return InSection(at, c);
    case kEmpty:
      if (IsBlank(c)) return at;
      return at.flags & kPairs ? InPair(Go(at, kPairKey), c) : Go(at, kRest);
    case kComment:
    case kRest:
      return at;
    default:
      return InPair(at, c);
  }
}

Context AfterHole(Context at) {
  switch (at.state) {
    case kLine:
      return Go(at, kKey);
    case kEmpty:
      return Go(at, at.flags & kPairs ? kPairKey : kRest);
    case kPairStart:
      return Go(at, kPairWord);
    default:
      return at;
  }
}

std::string_view NotPrintableLine(std::string_view value) {
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  if (HasControl(value, "\t")) return kControlRefused;
  return {};
}

std::string_view WriteRest(std::string_view value, Context, std::string& out) {
  if (HasOuterBlank(value)) return kOuterBlankRefused;
  if (const auto why = NotPrintableLine(value); !why.empty()) return why;
  out += value;
  return {};
}

template <char quote>
std::string_view WriteDoubled(std::string_view value, Context, std::string& out) {
  constexpr char kQuote[] = {quote, '\0'};
  // PgBouncer keeps names in 128 bytes.
  constexpr size_t kLongest = 127;
  if (const auto why = NotPrintableLine(value); !why.empty()) return why;
  if (value.empty()) return "PgBouncer takes no empty names";
  if (value.size() > kLongest) return "PgBouncer keeps no more than 127 bytes of a name";
  AppendEscaped(value, kQuote, quote, out);
  return {};
}

template <EscapeFn Inside, char quote>
std::string_view WriteWhole(std::string_view value, Context at, std::string& out) {
  out += quote;
  const auto why = Inside(value, at, out);
  out += quote;
  return why;
}

std::string_view WriteName(std::string_view value, Context at, std::string& out) {
  for (const char c : value) {
    if (!IsAlnum(c) && std::string_view("_.-").find(c) == std::string_view::npos) {
      return "PgBouncer reads letters, digits and _ . - in a name";
    }
  }
  return WriteBare(value, at, out);
}

Fit Admit(Context at, ValueClass value) {
  const bool text = value == ValueClass::kText;
  switch (at.state) {
    case kComment:
      return Write(WriteComment);
    case kSection:
      return Refuse("the names of sections are literal");
    case kLine:
    case kKey:
      if (text) return Refuse("a name is made of letters, digits and _ . -");
      return Write(WriteName);
    case kRest:
      return Write(text ? WriteRest : WriteBare);
    case kEmpty:
      if (at.flags & kPairs) return Refuse("here stands the name of a parameter, such as `host=`");
      return Write(text ? WriteRest : WriteBare);
    case kPairStart:
      return Write(text ? WriteWhole<WriteDoubled<'\''>, '\''> : WriteBare);
    case kPairQuoted:
      return Write(text ? WriteDoubled<'\''> : WriteBare);
    case kPairWord:
      if (text) return Refuse("put the whole value between single quotes");
      return Write(WriteBare);
    default:
      return Refuse("here stands the name of a parameter, such as `host=`");
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kComment:
      return "in a comment";
    case kSection:
      return "in the name of a section";
    case kLine:
    case kKey:
      return "where a key is due";
    case kKeyQuoted:
      return "inside double quotes";
    case kPairQuoted:
      return "inside single quotes";
    case kPairKey:
    case kPairClosed:
      return "where the name of a parameter is due";
    default:
      return "in a value";
  }
}

constexpr Language kPgbouncer = {
    .name = "pgbouncer",
    .comment = ";",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = [](Context at) { return !InQuotes(at) && at.state != kUnclosed; },
    .broken =
        [](Context at) { return at.state == kUnclosed ? kUnclosedQuote : std::string_view(); },
};

// A connection string of libpq: pairs from the beginning, over any number of lines.
Context StepLibpq(Context at, char c) {
  if (at.flags & kEscaped) {
    at.flags = 0;
    return at.state == kPairStart ? Go(at, kPairWord) : at;
  }
  const bool blank = IsBlank(c) || c == '\n';
  if (c == '\\' && at.state != kPairKey && at.state != kLine) {
    at.flags = kEscaped;
    return at;
  }
  switch (at.state) {
    case kPairStart:
      if (blank) return at;
      return Go(at, c == '\'' ? kPairQuoted : kPairWord);
    case kPairQuoted:
      return c == '\'' ? Go(at, kPairClosed) : at;
    case kPairWord:
    case kPairClosed:
      return blank ? Go(at, kLine) : at;
    default:
      if (c == '=') return Go(at, kPairStart);
      return blank ? at : Go(at, kPairKey);
  }
}

Context AfterHoleLibpq(Context at) {
  if (at.state == kPairStart) return Go(at, kPairWord);
  return at;
}

std::string_view WriteInLibpq(std::string_view value, Context, std::string& out) {
  if (HasNul(value)) return kNulRefused;
  AppendEscaped(value, "'\\", '\\', out);
  return {};
}

Fit AdmitLibpq(Context at, ValueClass value) {
  const bool text = value == ValueClass::kText;
  if (at.flags & kEscaped) return Refuse("the backslash before it would change what it means");
  switch (at.state) {
    case kPairStart:
      return Write(text ? WriteWhole<WriteInLibpq, '\''> : WriteBare);
    case kPairQuoted:
      return Write(text ? WriteInLibpq : WriteBare);
    case kPairWord:
      if (text) return Refuse("put the whole value between single quotes");
      return Write(WriteBare);
    default:
      return Refuse("here stands the name of a parameter, such as `host=`");
  }
}

std::string_view DescribeLibpq(Context at) {
  return at.state == kLine ? "where the name of a parameter is due" : Describe(at);
}

constexpr Language kLibpq = {
    .name = "libpq",
    .comment = {},
    .advance = Walk<StepLibpq>,
    .after_hole = AfterHoleLibpq,
    .admit = AdmitLibpq,
    .describe = DescribeLibpq,
    .may_end = [](Context at) { return at.state != kPairQuoted && !(at.flags & kEscaped); },
    .broken = [](Context) -> std::string_view { return {}; },
};

// userlist.txt: lines that do not begin with a double quote are passed over.
Context StepUserlist(Context at, char c) {
  if (at.state == kUnclosed) return at;
  if (c == '\n') return {.state = InQuotes(at) ? uint8_t{kUnclosed} : uint8_t{kLine}};
  switch (at.state) {
    case kLine:
      if (IsBlank(c)) return at;
      return Go(at, c == '"' ? kKeyQuoted : kComment);
    case kKeyQuoted:
      return c == '"' ? Go(at, kKey) : at;
    case kKey:
      return c == '"' ? Go(at, kKeyQuoted) : at;
    default:
      return at;
  }
}

Fit AdmitUserlist(Context at, ValueClass) {
  if (at.state == kKeyQuoted) return Write(WriteDoubled<'"'>);
  if (at.state == kComment) return Write(WriteComment);
  return Refuse("names and passwords stand in double quotes");
}

constexpr Language kUserlist = {
    .name = "userlist",
    .comment = ";",
    .advance = Walk<StepUserlist>,
    .after_hole = [](Context at) { return at; },
    .admit = AdmitUserlist,
    .describe = Describe,
    .may_end = [](Context at) { return at.state != kKeyQuoted && at.state != kUnclosed; },
    .broken =
        [](Context at) { return at.state == kUnclosed ? kUnclosedQuote : std::string_view(); },
};

}  // namespace

const Language& Pgbouncer() { return kPgbouncer; }
const Language& Libpq() { return kLibpq; }
const Language& Userlist() { return kUserlist; }

}  // namespace kb::lang
