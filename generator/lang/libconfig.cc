#include <algorithm>
#include <array>
#include <charconv>

#include "base/strings.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// libconfig, as ProxySQL uses it. ProxySQL puts the strings that it read into statements of SQL, in
// '…' or in "…", without escaping either; so neither quote can stand in a value, though libconfig
// would give it back. Some settings are lists with separators of their own.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kCode,
  kWord,
  kSlash,
  kString,
  kClosed,
  kLine,       // in # … or // …
  kBlock,      // in /* … */
  kBlockStar,  // there, behind `*`
  kInclude,    // behind an `@`
};

enum Flag : uint8_t {
  kEscaped = 1,
  kList = 2,    // the string is a list of pairs
  kBegins = 4,  // nothing but blanks since the line began
};

constexpr std::array<std::string_view, 4> kLists = {"admin_credentials", "interfaces",
                                                    "mysql_ifaces", "stats_credentials"};
static_assert(std::ranges::is_sorted(kLists));

Context Go(Context at, State state) {
  at.state = state;
  at.flags = static_cast<uint8_t>(at.flags & ~kEscaped);
  return at;
}

bool IsNameChar(char c) { return IsAlnum(c) || c == '_' || c == '-' || c == '*' || c == '.'; }

// `nesting` counts the letters of the last word: the name of a setting, once `=` or `:` is behind
// it.
Context InCode(Context at, char c) {
  if (c == '\n') at.flags |= kBegins;
  if (!IsBlank(c) && c != '\n') at.flags = static_cast<uint8_t>(at.flags & ~kBegins);
  if (at.state == kSlash && c == '*') return Go(at, kBlock);
  if (IsNameChar(c)) {
    const uint16_t seen = at.state == kWord ? static_cast<uint16_t>(at.nesting) : kNoLetters;
    at.nesting = NextLetter(kLists, seen, c);
    return Go(at, kWord);
  }
  switch (c) {
    case '"':
      return Go(at, kString);
    case '#':
      return Go(at, kLine);
    case '/':
      return Go(at, at.state == kSlash ? kLine : kSlash);
    case '@':
      return Go(at, kInclude);
    case '=':
    case ':': {
      const bool list = WholeWord(kLists, static_cast<uint16_t>(at.nesting)) >= 0;
      return {.state = kCode, .flags = list ? uint8_t{kList} : uint8_t{0}};
    }
    case ';':
    case ',':
    case '}':
      return {};
    default:
      return Go(at, kCode);
  }
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kString:
      if (at.flags & kEscaped) return Go(at, kString);
      if (c == '\\') {
        at.flags |= kEscaped;
        return at;
      }
      return c == '"' ? Go(at, kClosed) : at;
    case kLine:
      if (c != '\n') return at;
      at.flags |= kBegins;
      return Go(at, kCode);
    case kBlock:
    case kBlockStar:
      if (at.state == kBlockStar && c == '/') return Go(at, kCode);
      return Go(at, c == '*' ? kBlockStar : kBlock);
    case kInclude:
      return at;
    default:
      return InCode(at, c);
  }
}

Context AfterHole(Context at) {
  if (at.state != kCode && at.state != kSlash) return at;
  at.nesting = kOtherWord;
  at.flags = static_cast<uint8_t>(at.flags & ~kBegins);
  return Go(at, kWord);
}

std::string_view NotForProxysql(std::string_view value) {
  if (HasNul(value)) return kNulRefused;
  if (HasAny(value, "'\"")) {
    return "ProxySQL puts strings into SQL without escaping quotes: it would lose the setting, and "
           "log it";
  }
  return {};
}

std::string_view WriteInString(std::string_view value, Context, std::string& out) {
  if (const auto why = NotForProxysql(value); !why.empty()) return why;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      AppendHex(byte, out);
    } else {
      if (c == '\\') out += '\\';
      out += c;
    }
  }
  return {};
}

// `name:password;name:password`, or `address:port;address:port`.
std::string_view WriteListed(std::string_view value, Context at, std::string& out) {
  if (!IsSecretToken(value) && HasAny(value, ":;")) {
    return "ProxySQL reads `:` and `;` as the ends of the names and passwords of this list";
  }
  return WriteInString(value, at, out);
}

// ProxySQL asks for numbers of 32 bits; libconfig makes longer ones another type.
std::string_view WriteShortNumber(std::string_view value, Context at, std::string& out) {
  int32_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  if (read.ec != std::errc()) return "ProxySQL reads numbers of 32 bits only";
  return WriteNumber(value, at, out);
}

// At the beginning of a line stands the name of a setting, which `=` must follow.
std::string_view WriteName(std::string_view value, Context, std::string& out) {
  const auto fits = [](char c) { return IsAlnum(c) || c == '_' || c == '-' || c == '*'; };
  if (!IsAlpha(value[0]) || !std::ranges::all_of(value, fits))
    return "the name of a setting is made of letters, digits, _, - and *";
  out += value;
  return {};
}

Fit AdmitCode(Context at, ValueClass value) {
  if (value == ValueClass::kAtom && at.state == kCode && (at.flags & kBegins))
    return Write(WriteName);
  if (at.state == kSlash) return Refuse("the slash before it begins a comment or means nothing");
  if (value == ValueClass::kInt) return Write(WriteShortNumber);
  if (value == ValueClass::kBool) return Write(WriteNumber);
  return Refuse("outside of quotes libconfig has numbers and booleans only: write \"…\" around it");
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case kString:
      if (at.flags & kEscaped) return Refuse(kEscapeBefore);
      if (!(at.flags & kList)) return Write(WriteInString);
      // An address and its port, in one atom, are two members of the list.
      return Write(value == ValueClass::kInt ? WriteNumber : WriteListed);
    case kClosed:
      return Refuse(kTouchesQuote);
    case kLine:
      return Write(WriteComment);
    case kBlock:
    case kBlockStar:
      return Refuse("a value could end the comment: write it behind `#`");
    default:
      return AdmitCode(at, value);
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kString:
      return "inside double quotes";
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

constexpr Language kLibconfig = {
    .name = "libconfig",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end =
        [](Context at) { return at.state <= kWord || at.state == kClosed || at.state == kLine; },
    .broken = [](Context at) -> std::string_view {
      return at.state == kInclude ? "what @include reads is not looked at: write it out" : "";
    },
};

}  // namespace

const Language& Libconfig() { return kLibconfig; }

}  // namespace kb::lang
