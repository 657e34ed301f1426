#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// redis.conf and sentinel.conf: a directive and its arguments, a line each. "…" knows escapes, '…'
// only \', and behind a closing quote the argument must end. A comment is a line of its own.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,
  kComment,
  kDirective,
  kBetween,  // in the blanks before an argument
  kArgument,
  kDouble,
  kSingle,
  kClosed,
  kUnclosed,
  kMisplaced,
};

enum Flag : uint8_t {
  kEscaped = 1,
  kSentinel = 2,  // the line is one that Sentinel writes anew
  kInclude = 4,   // its argument is a pattern of files
};

constexpr std::array<std::string_view, 2> kDirectives = {"include", "sentinel"};
static_assert(std::ranges::is_sorted(kDirectives));
constexpr uint8_t kKinds[] = {kInclude, kSentinel};

char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

Context Go(Context at, State state) {
  at.state = state;
  at.flags = static_cast<uint8_t>(at.flags & ~kEscaped);
  return at;
}

Context Escape(Context at) {
  at.flags |= kEscaped;
  return at;
}

Context InDirective(Context at, char c) {
  if (IsBlank(c)) {
    const int row = WholeWord(kDirectives, static_cast<uint16_t>(at.nesting));
    at.nesting = 0;
    at.flags = row < 0 ? uint8_t{0} : kKinds[row];
    return Go(at, kBetween);
  }
  if (c == '"' || c == '\'') return Go(at, kMisplaced);
  at.nesting = NextLetter(kDirectives, static_cast<uint16_t>(at.nesting), Lower(c));
  return Go(at, kDirective);
}

Context InQuotes(Context at, char c) {
  const bool escaped = at.flags & kEscaped;
  if (at.state == kDouble) {
    if (escaped) return Go(at, kDouble);
    if (c == '\\') return Escape(at);
    return c == '"' ? Go(at, kClosed) : at;
  }
  if (c == '\\') return Escape(at);
  return c == '\'' && !escaped ? Go(at, kClosed) : Go(at, kSingle);
}

Context Step(Context at, char c) {
  if (at.state == kUnclosed || at.state == kMisplaced) return at;
  if (c == '\n') {
    const bool open = at.state == kDouble || at.state == kSingle;
    return {.state = open ? uint8_t{kUnclosed} : uint8_t{kLine}};
  }
  switch (at.state) {
    case kLine:
      if (IsBlank(c)) return at;
      if (c == '#') return {.state = kComment};
      [[fallthrough]];
    case kDirective:
      return InDirective(at, c);
    case kBetween:
    case kArgument:
      if (IsBlank(c)) return Go(at, kBetween);
      if (c == '"') return Go(at, kDouble);
      return Go(at, c == '\'' ? kSingle : kArgument);
    case kDouble:
    case kSingle:
      return InQuotes(at, c);
    case kClosed:
      return Go(at, IsBlank(c) || c == '\r' ? kBetween : kMisplaced);
    default:
      return at;
  }
}

Context AfterHole(Context at) {
  // A directive that a setting names is none of those whose arguments are read otherwise.
  if (at.state == kLine) return {.state = kDirective, .nesting = kOtherWord};
  return at.state == kBetween ? Go(at, kArgument) : at;
}

std::string_view WriteInDouble(std::string_view value, Context, std::string& out) {
  if (HasNul(value)) return kNulRefused;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      AppendHex(byte, out);
    } else {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  return {};
}

std::string_view WriteInSingle(std::string_view value, Context, std::string& out) {
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  if (value.ends_with('\\')) return "in '…' a backslash at its end would escape the quote";
  AppendEscaped(value, "'", '\\', out);
  return {};
}

// Sentinel keeps what it learns in its own file, and prints its directives without any quotes.
template <EscapeFn Inside>
std::string_view WriteForSentinel(std::string_view value, Context at, std::string& out) {
  if (value.empty() || HasControl(value) || HasAny(value, " \"'")) {
    return "Sentinel writes this line anew without quotes: only a word without blanks, quotes and "
           "control characters comes back";
  }
  return Inside(value, at, out);
}

std::string_view WriteYesNo(std::string_view value, Context, std::string& out) {
  out += value == "true" ? "yes" : "no";
  return {};
}

// A setting may name a directive, but none whose arguments are read otherwise than others'.
std::string_view WriteDirective(std::string_view value, Context at, std::string& out) {
  const bool special = std::ranges::any_of(kDirectives, [&](std::string_view directive) {
    return std::ranges::equal(value, directive, {}, Lower);
  });
  if (special) return "this directive must be written out in the template";
  return WriteBare(value, at, out);
}

template <EscapeFn Inside>
Fit AdmitText(Context at) {
  if (at.flags & kInclude) return Refuse("the name of a file to include is made of atoms");
  return Write(at.flags & kSentinel ? WriteForSentinel<Inside> : Inside);
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == kComment) return Write(WriteComment);
  if (at.flags & kEscaped) return Refuse(kEscapeBefore);
  if (at.state == kLine && value == ValueClass::kAtom) return Write(WriteDirective);
  if (at.state == kLine || at.state == kDirective) return Refuse("directives are literal");
  if (at.state == kClosed) return Refuse(kTouchesQuote);
  if (value == ValueClass::kBool) return Write(WriteYesNo);
  if (value != ValueClass::kText) return Write(WriteBare);
  if (at.state == kDouble) return AdmitText<WriteInDouble>(at);
  if (at.state == kSingle) return AdmitText<WriteInSingle>(at);
  return Refuse(kQuoteText);
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kComment:
      return "in a comment";
    case kLine:
    case kDirective:
      return "where a directive is due";
    case kDouble:
      return "inside double quotes";
    case kSingle:
      return "inside single quotes";
    default:
      return "in an argument";
  }
}

std::string_view Broken(Context at) {
  if (at.state == kUnclosed) return kUnclosedQuote;
  if (at.state == kMisplaced)
    return "an argument ends where its quotes end, and no directive has any";
  return {};
}

constexpr Language kRedis = {
    .name = "redis",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = [](Context at) { return at.state <= kArgument || at.state == kClosed; },
    .broken = Broken,
};

}  // namespace

const Language& Redis() { return kRedis; }

}  // namespace kb::lang
