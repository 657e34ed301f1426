#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/writing.h"

// JSON: values stand whole, where a value is due, or as a part of a string. What the machine lets
// through without proof (a comma too many) is found by the parser that reads every artifact back.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kValue,    // a value is due: at the start, after `[` `,` or `:`
  kKey,      // a key is due
  kColon,    // behind a key
  kBehind,   // behind a value
  kHole,     // right behind a value from a hole
  kBare,     // inside a number, true, false, null
  kString,   // inside a string that is a value
  kKeyName,  // inside a string that is a key
  kTooDeep,
  kGlued,
};

enum Flag : uint8_t {
  kEscaped = 1,    // behind a backslash
  kHexDigits = 2,  // inside \uXXXX: times two, the digits that are still due
  kHexMask = 0x0E,
};

// The stack of what is open: a leading 1, then a bit a level, 1 for an object.
constexpr uint64_t kRoot = 0;
constexpr uint64_t kTop = uint64_t{1} << 62;

bool InObject(Context at) { return at.nesting != kRoot && (at.nesting & 1) != 0; }

Context Open(Context at, char bracket) {
  if (at.nesting >= kTop) return {.state = kTooDeep};
  const uint64_t below = at.nesting == kRoot ? 1 : at.nesting;
  const bool object = bracket == '{';
  at.nesting = below << 1 | (object ? 1 : 0);
  at.state = object ? kKey : kValue;
  return at;
}

Context Close(Context at) {
  at.nesting = at.nesting <= 3 ? kRoot : at.nesting >> 1;
  at.state = kBehind;
  return at;
}

Context InString(Context at, char c) {
  if (at.flags & kHexMask) {
    at.flags = static_cast<uint8_t>(at.flags - kHexDigits);
  } else if (at.flags & kEscaped) {
    at.flags = c == 'u' ? 4 * kHexDigits : 0;
  } else if (c == '\\') {
    at.flags = kEscaped;
  } else if (c == '"') {
    at.state = at.state == kKeyName ? kColon : kBehind;
  }
  return at;
}

// Text right behind a value would become a part of it: `<%= port %>0`.
bool Separates(char c) { return std::string_view(",]} \t\r\n").contains(c); }

Context Step(Context at, char c) {
  if (at.state == kHole && !Separates(c)) return {.state = kGlued};
  if (at.state == kString || at.state == kKeyName) return InString(at, c);
  switch (c) {
    case '{':
    case '[':
      return Open(at, c);
    case '}':
    case ']':
      return Close(at);
    case '"':
      at.state = at.state == kKey ? kKeyName : kString;
      return at;
    case ':':
      at.state = kValue;
      return at;
    case ',':
      at.state = InObject(at) ? kKey : kValue;
      return at;
    case ' ':
    case '\t':
    case '\n':
    case '\r':
      if (at.state == kBare || at.state == kHole) at.state = kBehind;
      return at;
    default:
      at.state = kBare;
      return at;
  }
}

Context Advance(Context at, std::string_view literal) {
  for (char c : literal) {
    if (at.state == kTooDeep || at.state == kGlued) break;
    at = Step(at, c);
  }
  return at;
}

Context AfterHole(Context at) {
  if (at.state == kValue) at.state = kHole;
  return at;
}

std::string_view WriteString(std::string_view value, Context, std::string& out) {
  if (FindInvalidUtf8(value) != std::string_view::npos) return "JSON is UTF-8, and this is not";
  if (value.find('\0') != std::string_view::npos) {
    return "a NUL byte ends the text early in many readers of JSON";
  }
  AppendJsonEscaped(value, out);
  return {};
}

std::string_view WriteWhole(std::string_view value, Context at, std::string& out) {
  out += '"';
  const std::string_view why = WriteString(value, at, out);
  out += '"';
  return why;
}

Fit Admit(Context at, ValueClass value) {
  if (at.flags != 0) return {.refusal = "the backslash before it would change what it means"};
  const bool quoted = value == ValueClass::kAtom || value == ValueClass::kText;
  switch (at.state) {
    case kValue:
      return {.escape = quoted ? WriteWhole : WriteBare};
    case kString:
      return {.escape = quoted ? WriteString : WriteBare};
    case kKeyName:
      if (value != ValueClass::kText) return {.escape = WriteBare};
      return {.refusal = "a key is made of atoms: a free text could become another key"};
    case kKey:
      return {.refusal = "a key is written between double quotes"};
    case kColon:
      return {.refusal = "a colon is due"};
    case kBare:
      return {.refusal = "it would become a part of the number or word before it"};
    default:
      return {.refusal = "a comma or a closing bracket is due"};
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kValue:
      return "where a value is due";
    case kKey:
      return "where a key is due";
    case kColon:
      return "behind a key";
    case kBare:
      return "inside a number or a bare word";
    case kString:
      return "inside a string";
    case kKeyName:
      return "inside a key";
    default:
      return at.nesting == kRoot ? "behind the document" : "behind a value";
  }
}

bool MayEnd(Context at) {
  return at.nesting == kRoot && (at.state == kBehind || at.state == kBare || at.state == kHole);
}

std::string_view Broken(Context at) {
  if (at.state == kTooDeep) return "brackets nest deeper than 61 levels";
  if (at.state == kGlued) return "text right behind a value would become a part of it";
  return {};
}

constexpr Language kJson = {.name = "json",
                            .comment = {},
                            .advance = Advance,
                            .after_hole = AfterHole,
                            .admit = Admit,
                            .describe = Describe,
                            .may_end = MayEnd,
                            .broken = Broken};

}  // namespace

const Language& Json() { return kJson; }

}  // namespace kb::lang
