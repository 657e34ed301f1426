#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// MariaDB's option files. A quote counts only as the first and the last character of a value;
// within a value backslashes escape, and outside of quotes `#` begins a comment anywhere.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,
  kComment,
  kSection,
  kBehind,     // behind the end of a section's name
  kDirective,  // !include and !includedir
  kKey,
  kEmpty,  // behind the `=`: nothing but blanks so far
  kValue,
  kDouble,
  kSingle,
  kClosed,
  kUnclosed,
  kMisplaced,
};

enum Flag : uint8_t {
  kEscaped = 1,
  kList = 2,  // the value is a list of options of its own
};

constexpr std::array<std::string_view, 1> kLists = {"wsrep_provider_options"};

Context Go(Context at, State state) {
  at.state = state;
  at.flags = static_cast<uint8_t>(at.flags & ~kEscaped);
  return at;
}

Context InKey(Context at, char c) {
  if (c == '"' || c == '\'') return Go(at, kMisplaced);
  if (c == '#') return Go(at, kComment);
  if (c == '=') {
    const bool list = WholeWord(kLists, static_cast<uint16_t>(at.nesting)) >= 0;
    return {.state = kEmpty, .flags = list ? uint8_t{kList} : uint8_t{0}};
  }
  if (!IsBlank(c)) {
    at.nesting = NextLetter(kLists, static_cast<uint16_t>(at.nesting), c == '-' ? '_' : c);
  }
  return Go(at, kKey);
}

Context InQuotes(Context at, char c) {
  if (at.flags & kEscaped) return Go(at, static_cast<State>(at.state));
  if (c == '\\') {
    at.flags |= kEscaped;
    return at;
  }
  return c == (at.state == kDouble ? '"' : '\'') ? Go(at, kClosed) : at;
}

bool Quoted(Context at) { return at.state == kDouble || at.state == kSingle; }

Context Step(Context at, char c) {
  if (at.state == kUnclosed || at.state == kMisplaced) return at;
  if (c == '\n') return {.state = Quoted(at) ? uint8_t{kUnclosed} : uint8_t{kLine}};
  switch (at.state) {
    case kLine:
      if (IsBlank(c)) return at;
      if (c == '#' || c == ';') return Go(at, kComment);
      if (c == '[') return Go(at, kSection);
      if (c == '!') return Go(at, kDirective);
      return InKey(at, c);
    case kSection:
      return c == ']' ? Go(at, kBehind) : at;
    case kKey:
      return InKey(at, c);
    case kEmpty:
      if (IsBlank(c)) return at;
      if (c == '"') return Go(at, kDouble);
      if (c == '\'') return Go(at, kSingle);
      return Go(at, c == '#' ? kComment : kValue);
    case kValue:
      if (c == '"' || c == '\'') return Go(at, kMisplaced);
      return c == '#' ? Go(at, kComment) : at;
    case kDouble:
    case kSingle:
      return InQuotes(at, c);
    case kClosed:
      if (IsBlank(c) || c == '\r') return at;
      return Go(at, c == '#' ? kComment : kMisplaced);
    default:
      return at;
  }
}

Context AfterHole(Context at) {
  if (at.state == kLine) return Go(at, kKey);
  return at.state == kEmpty ? Go(at, kValue) : at;
}

template <char quote>
std::string_view WriteInQuotes(std::string_view value, Context, std::string& out) {
  // MariaDB reads lines into 4 KiB, and what is left of one as the next. The rest is for comments.
  constexpr size_t kLongest = 4000;
  if (HasNul(value)) return kNulRefused;
  if (HasControl(value, "\n\r\t\b")) return kControlRefused;
  for (const char c : value) {
    constexpr std::string_view kControls = "\n\r\t\b";
    constexpr std::string_view kLetters = "nrtb";
    if (const size_t control = kControls.find(c); control != std::string_view::npos) {
      (out += '\\') += kLetters[control];
      continue;
    }
    if (c == quote || c == '\\') out += '\\';
    out += c;
  }
  const size_t end = out.rfind('\n');
  if (out.size() - (end == std::string::npos ? 0 : end + 1) > kLongest) {
    return "MariaDB reads no line of an option file beyond 4 KiB";
  }
  return {};
}

// Not all switches are booleans for MariaDB: ON and OFF are also what lists of choices have.
std::string_view WriteSwitch(std::string_view value, Context, std::string& out) {
  out += value == "true" ? "ON" : "OFF";
  return {};
}

// In a list of options (`a=1; b=2`) a text could become another option, or end its own.
template <char quote>
std::string_view WriteOption(std::string_view value, Context at, std::string& out) {
  if (value.empty()) return "an option of this list has a value";
  // Galera itself takes a backslash for an escape.
  if (HasAny(value, ";=\\ \t\r\n\b")) {
    return "a value of this list has no blanks, backslashes, `;` or `=`";
  }
  return WriteInQuotes<quote>(value, at, out);
}

Fit AdmitText(Context at) {
  const bool list = at.flags & kList;
  switch (at.state) {
    case kDouble:
      return Write(list ? WriteOption<'"'> : WriteInQuotes<'"'>);
    case kSingle:
      return Write(list ? WriteOption<'\''> : WriteInQuotes<'\''>);
    case kEmpty:
    case kValue:
      return Refuse(kQuoteText);
    default:
      return Refuse("a name is made of atoms");
  }
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == kComment || at.state == kBehind) return Write(WriteComment);
  if (at.flags & kEscaped) return Refuse(kEscapeBefore);
  if (at.state == kClosed) return Refuse(kTouchesQuote);
  if (value == ValueClass::kText) return AdmitText(at);
  return Write(value == ValueClass::kBool && !(at.flags & kList) ? WriteSwitch : WriteBare);
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kComment:
    case kBehind:
      return "in a comment";
    case kSection:
      return "in the name of a section";
    case kDirective:
      return "in the name of a file";
    case kLine:
    case kKey:
      return "where the name of an option is due";
    case kDouble:
      return "inside double quotes";
    case kSingle:
      return "inside single quotes";
    default:
      return "in a value";
  }
}

bool MayEnd(Context at) {
  return !Quoted(at) && at.state != kSection && at.state != kUnclosed && at.state != kMisplaced;
}

std::string_view Broken(Context at) {
  if (at.state == kUnclosed) return kUnclosedQuote;
  return at.state == kMisplaced ? "quotes stand around a whole value, or nowhere" : "";
}

constexpr Language kMycnf = {
    .name = "mycnf",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = Broken,
};

}  // namespace

const Language& Mycnf() { return kMycnf; }

}  // namespace kb::lang
