#include "base/strings.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// Erlang terms, as file:consult reads them: "…" is a list of code points, '…' an atom, <<"…">> a
// binary of bytes. What is not printable ASCII is written as \x{…}, so no value depends on the
// encoding of the file.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kCode,
  kWord,
  kLess,     // behind a `<`
  kGreater,  // behind a `>`
  kChar,     // behind a `$`: the next character stands for itself
  kString,
  kAtom,
  kClosed,
  kComment,
  kTyped,  // behind the `/` of a binary's string that has a hole
};

enum Flag : uint8_t {
  kEscaped = 1,
  kBinary = 2,  // between << and >>
  kFilled = 4,  // this element of a binary has a hole
};

Context Go(Context at, State state) {
  at.state = state;
  at.flags = static_cast<uint8_t>(at.flags & ~kEscaped);
  return at;
}

Context InCode(Context at, char c) {
  switch (c) {
    case '"':
      return Go(at, kString);
    case '\'':
      return Go(at, kAtom);
    case '%':
      return Go(at, kComment);
    case '$':
      return Go(at, kChar);
    case '<':
      if (at.state != kLess) return Go(at, kLess);
      at.flags |= kBinary;
      return Go(at, kCode);
    case '>':
      if (at.state != kGreater) return Go(at, kGreater);
      at.flags = 0;
      return Go(at, kCode);
    case ',':
      at.flags &= kBinary;
      return Go(at, kCode);
    case '/':
      return Go(at, at.flags & kFilled ? kTyped : kCode);
    default:
      return Go(at, IsAlnum(c) || c == '_' || c == '@' ? kWord : kCode);
  }
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kString:
    case kAtom:
    case kChar:
      if (at.flags & kEscaped)
        return Go(at, at.state == kChar ? kWord : static_cast<State>(at.state));
      if (c == '\\') {
        at.flags |= kEscaped;
        return at;
      }
      if (at.state == kChar) return Go(at, kWord);
      return c == (at.state == kString ? '"' : '\'') ? Go(at, kClosed) : at;
    case kComment:
      return c == '\n' ? Go(at, kCode) : at;
    case kTyped:
      return at;
    default:
      return InCode(at, c);
  }
}

Context AfterHole(Context at) {
  if (at.state == kString && (at.flags & kBinary)) at.flags |= kFilled;
  if (at.state == kCode) at.state = kWord;
  return at;
}

std::string_view NotErlang(std::string_view value) {
  if (HasNul(value)) return kNulRefused;
  return FindInvalidUtf8(value) == std::string_view::npos ? "" : "Erlang reads UTF-8 only";
}

void AppendCode(char32_t code, char quote, std::string& out) {
  const char c = static_cast<char>(code);
  if (code == U'\n') {
    out += "\\n";
  } else if (code < 0x20 || code > 0x7e) {
    out += "\\x{";
    for (int shift = 16; shift >= 0; shift -= 8) {
      const auto byte = static_cast<unsigned char>(code >> shift & 0xFF);
      if (byte != 0 || shift == 0 || code >> shift > 0xFF) AppendHex(byte, out);
    }
    out += '}';
  } else {
    if (c == quote || c == '\\') out += '\\';
    out += c;
  }
}

template <char quote>
std::string_view WriteCharacters(std::string_view value, Context, std::string& out) {
  if (const auto why = NotErlang(value); !why.empty()) return why;
  while (!value.empty()) {
    const Character c = FirstCharacter(value);
    AppendCode(c.code, quote, out);
    value.remove_prefix(c.size);
  }
  return {};
}

std::string_view WriteBytes(std::string_view value, Context, std::string& out) {
  if (const auto why = NotErlang(value); !why.empty()) return why;
  for (const char c : value) AppendCode(static_cast<unsigned char>(c), '"', out);
  return {};
}

std::string_view WriteAtom(std::string_view value, Context at, std::string& out) {
  constexpr size_t kLongest = 255;
  size_t size = 0;
  for (std::string_view rest = value; !rest.empty(); ++size) {
    rest.remove_prefix(FirstCharacter(rest).size);
  }
  if (size > kLongest) return "an atom has no more than 255 characters";
  return WriteCharacters<'\''>(value, at, out);
}

// `coding:` in one of the first comments would say how to read the whole file.
std::string_view WriteErlangComment(std::string_view value, Context at, std::string& out) {
  const size_t begin = out.size();
  const auto why = WriteComment(value, at, out);
  for (size_t i = begin; i < out.size(); ++i) {
    const bool says = out[i] == ':' || out[i] == '=';
    if (says && std::string_view(out).substr(0, i).ends_with("coding")) out[i] = ' ';
  }
  return why;
}

Fit Admit(Context at, ValueClass value) {
  if (at.flags & kEscaped) return Refuse(kEscapeBefore);
  switch (at.state) {
    case kComment:
      return Write(WriteErlangComment);
    case kString:
      return Write(at.flags & kBinary ? WriteBytes : WriteCharacters<'"'>);
    case kAtom:
      return Write(WriteAtom);
    case kClosed:
      return Refuse(kTouchesQuote);
    case kChar:
      return Refuse("behind `$` stands one character");
    default:
      if (value == ValueClass::kInt || value == ValueClass::kBool) return Write(WriteNumber);
      return Refuse(
          "outside of quotes Erlang has numbers and its own words only: write \"…\", '…' or "
          "<<\"…\">> around it");
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kComment:
      return "in a comment";
    case kString:
      return at.flags & kBinary ? "inside a binary" : "inside double quotes";
    case kAtom:
      return "inside single quotes";
    default:
      return "in a term";
  }
}

constexpr Language kErlang = {
    .name = "erlang",
    .comment = "%",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end =
        [](Context at) {
          return at.flags == 0 &&
                 (at.state <= kWord || at.state == kClosed || at.state == kComment);
        },
    .broken = [](Context at) -> std::string_view {
      if (at.state != kTyped) return {};
      return "a value in a binary is written as its bytes: leave out the type behind it";
    },
};

}  // namespace

const Language& Erlang() { return kErlang; }

}  // namespace kb::lang
