#include <algorithm>

#include "base/strings.h"
#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// Master files of DNS zones (RFC 1035). Names, addresses and numbers stand bare; a text is a
// character-string in "…", with \DDD for every byte that is not printable ASCII.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kBetween,  // at a line's beginning, or in blanks
  kToken,
  kString,
  kClosed,
  kComment,
  kUnclosed,
  kUnbalanced,
  kMisplaced,
};

enum Flag : uint8_t {
  kEscaped = 1,
  kBegun = 2,      // something stands on this line
  kDirective = 4,  // the line is $ORIGIN, $TTL, $INCLUDE or $GENERATE
};

// `nesting` counts the open parentheses, in which line ends are blanks.
Context Go(Context at, State state) {
  at.state = state;
  at.flags = static_cast<uint8_t>((at.flags & ~kEscaped) | kBegun);
  return at;
}

Context EndLine(Context at) {
  if (at.nesting == 0) return {};
  return Go(at, kBetween);
}

Context InLine(Context at, char c) {
  switch (c) {
    case ' ':
    case '\t':
    case '\r':
      return Go(at, kBetween);
    case '\n':
      return EndLine(at);
    case ';':
      return Go(at, kComment);
    case '(':
      ++at.nesting;
      return Go(at, kBetween);
    case ')':
      if (at.nesting == 0) return Go(at, kUnbalanced);
      --at.nesting;
      return Go(at, kBetween);
    case '"':
      return Go(at, at.state == kToken ? kMisplaced : kString);
    default:
      break;
  }
  if (at.state == kClosed) return Go(at, kMisplaced);
  if (c == '$' && !(at.flags & kBegun)) at.flags |= kDirective;
  at = Go(at, kToken);
  if (c == '\\') at.flags |= kEscaped;
  return at;
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kString:
      if (c == '\n') return Go(at, kUnclosed);
      if (at.flags & kEscaped) return Go(at, kString);
      if (c == '\\') {
        at.flags |= kEscaped;
        return at;
      }
      return c == '"' ? Go(at, kClosed) : at;
    case kComment:
      return c == '\n' ? EndLine(at) : at;
    case kUnclosed:
    case kUnbalanced:
    case kMisplaced:
      return at;
    default:
      if (at.flags & kEscaped && c != '\n') return Go(at, kToken);
      return InLine(at, c);
  }
}

Context AfterHole(Context at) { return at.state == kBetween ? Go(at, kToken) : at; }

bool IsEscaped(std::string_view out, size_t at) {
  size_t backslashes = 0;
  while (backslashes < at && out[at - backslashes - 1] == '\\') ++backslashes;
  return backslashes % 2 == 1;
}

// The bytes of the character-string that `out` ends in, escapes counted as what they stand for.
size_t StringSize(std::string_view out) {
  size_t begin = out.size();
  while (begin > 0 && (out[begin - 1] != '"' || IsEscaped(out, begin - 1))) --begin;
  size_t size = 0;
  for (size_t i = begin; i < out.size(); ++size) {
    const bool escape = out[i] == '\\' && i + 1 < out.size();
    i += !escape ? 1 : IsDigit(out[i + 1]) ? 4 : 2;
  }
  return size;
}

std::string_view WriteInString(std::string_view value, Context, std::string& out) {
  constexpr size_t kLongest = 255;
  if (HasNul(value)) return kNulRefused;
  if (value.size() > kLongest) return "a character-string has no more than 255 bytes";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20 || byte > 0x7e) {
      out += '\\';
      for (const int unit : {100, 10, 1}) out += static_cast<char>('0' + byte / unit % 10);
    } else {
      out += c;
    }
  }
  if (StringSize(out) > kLongest) return "a character-string has no more than 255 bytes";
  return {};
}

std::string_view WriteName(std::string_view value, Context at, std::string& out) {
  constexpr size_t kLongestLabel = 63;
  constexpr size_t kLongestName = 253;
  if (value == "@") return "`@` is the name of the zone itself";
  if (value.size() > kLongestName) return "a name has no more than 253 bytes";
  for (std::string_view rest = value; !rest.empty() && value != ".";) {
    const size_t label = std::min(rest.find('.'), rest.size());
    if (label == 0) return "a label of a name cannot be empty";
    if (label > kLongestLabel) return "a label of a name has no more than 63 bytes";
    rest.remove_prefix(std::min(label + 1, rest.size()));
  }
  return WriteBare(value, at, out);
}

Fit AdmitToken(ValueClass value) {
  if (value == ValueClass::kText) return Refuse("a text stands in \"…\"");
  if (value == ValueClass::kBool) return Refuse("a zone file has no booleans");
  return Write(value == ValueClass::kAtom ? WriteName : WriteBare);
}

Fit Admit(Context at, ValueClass value) {
  if (at.flags & kEscaped) return Refuse(kEscapeBefore);
  switch (at.state) {
    case kComment:
      return Write(WriteComment);
    case kString:
      if (at.flags & kDirective && value == ValueClass::kText) {
        return Refuse("on this line `$` could begin a number of its own");
      }
      return Write(WriteInString);
    case kClosed:
      return Refuse(kTouchesQuote);
    default:
      return AdmitToken(value);
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kComment:
      return "in a comment";
    case kString:
      return "inside double quotes";
    default:
      return "in a record";
  }
}

bool MayEnd(Context at) {
  return at.nesting == 0 && !(at.flags & kEscaped) &&
         (at.state <= kToken || at.state == kClosed || at.state == kComment);
}

std::string_view Broken(Context at) {
  switch (at.state) {
    case kUnclosed:
      return kUnclosedQuote;
    case kUnbalanced:
      return "this parenthesis closes none";
    case kMisplaced:
      return "quotes stand around a whole text";
    default:
      return {};
  }
}

constexpr Language kZone = {
    .name = "zone",
    .comment = ";",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = Broken,
};

}  // namespace

const Language& Zone() { return kZone; }

}  // namespace kb::lang
