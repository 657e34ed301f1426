#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// Unit files: `%` begins a specifier in every value, and what else means something depends on the
// key. Commands and environments are read as words with quotes and escapes of C; a few settings are
// a line of text; of all others only plain words are certain to be read alike.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,  // at the beginning of a line
  kComment,
  kSection,  // in [Section]
  kKey,
  kText,         // in the value of a key that takes a line of text
  kOther,        // in the value of any other key
  kExecPrefix,   // before the command of Exec*=
  kExecCommand,  // in it
  kWordStart,    // where a word may begin
  kWord,         // in a word, outside of quotes
  kWordSingle,   // in '…'
  kWordDouble,   // in "…"
  kUnclosed,
};

// What the character before could do to the next one, and what the words are for.
enum Flag : uint8_t {
  kBegun = 1,  // the value is not empty any more
  kEscaped = 2,
  kPercent = 4,
  kDollar = 8,
  kBraces = 16,       // in ${…}
  kAssigned = 32,     // in a word of Environment=, behind the `=`
  kEnvironment = 64,  // these are the words of Environment=, not of Exec*=
  kContinued = 128,   // behind a line that ends in a backslash, where comments are skipped
};

constexpr std::array<std::string_view, 12> kKeys = {
    "Description",  "Environment",   "ExecCondition",    "ExecReload",
    "ExecStart",    "ExecStartPost", "ExecStartPre",     "ExecStop",
    "ExecStopPost", "Options",       "SyslogIdentifier", "What"};
static_assert(std::ranges::is_sorted(kKeys));

constexpr uint64_t kLetters = 0xFFFF;  // in `nesting`: the key's letters
constexpr int kResumeShift = 16;       // and the state that a comment interrupts, plus one

Context Go(Context at, State state, uint8_t flags = 0) {
  at.state = state;
  at.flags = flags;
  return at;
}

Context BeginValue(Context at) {
  const int row = WholeWord(kKeys, static_cast<uint16_t>(at.nesting & kLetters));
  at.nesting = 0;
  if (row < 0) return Go(at, kOther);
  const std::string_view key = kKeys[static_cast<size_t>(row)];
  if (key == "Environment") return Go(at, kWordStart, kEnvironment);
  return Go(at, key.starts_with("Exec") ? kExecPrefix : kText);
}

// `\` at a line's end joins the next line with a blank; a comment between them is skipped.
Context Join(Context at) {
  const uint8_t kept = at.flags & (kEnvironment | kBegun | kAssigned);
  switch (at.state) {
    case kExecCommand:
    case kWord:
      return Go(at, kWordStart, (kept & kEnvironment) | kContinued);
    case kWordSingle:
    case kWordDouble:
      return Go(at, static_cast<State>(at.state), kept | kBegun | kContinued);
    default:
      return Go(at, static_cast<State>(at.state), kept | kContinued);
  }
}

Context SkipComment(Context at) {
  at.nesting = (uint64_t{at.state} + 1) << kResumeShift | at.flags;
  return Go(at, kComment);
}

Context EndComment(Context at) {
  if (at.nesting == 0) return {};
  const auto state = static_cast<State>((at.nesting >> kResumeShift) - 1);
  const auto flags = static_cast<uint8_t>(at.nesting & 0xFF);
  at.nesting = 0;
  return Go(at, state, flags);
}

// Percent signs and dollars pair up: the second of two is an ordinary character.
uint8_t AfterCharacter(Context at, char c) {
  uint8_t flags = at.flags & (kEnvironment | kAssigned | kBraces);
  flags |= kBegun;
  if (c == '%' && !(at.flags & kPercent)) flags |= kPercent;
  if (c == '$' && !(at.flags & kDollar)) flags |= kDollar;
  if (c == '{' && (at.flags & kDollar)) flags |= kBraces;
  if (c == '}') flags = static_cast<uint8_t>(flags & ~kBraces);
  if (c == '=') flags |= kAssigned;
  return flags;
}

Context InWord(Context at, char c) {
  const uint8_t flags = AfterCharacter(at, c);
  if (at.state == kWordSingle || at.state == kWordDouble) {
    const char quote = at.state == kWordSingle ? '\'' : '"';
    return c == quote ? Go(at, kWord, flags) : Go(at, static_cast<State>(at.state), flags);
  }
  if (IsBlank(c)) return Go(at, kWordStart, at.flags & kEnvironment);
  const uint8_t opened = at.state == kWordStart ? flags & kEnvironment : flags;
  if (c == '\'') return Go(at, kWordSingle, opened);
  if (c == '"') return Go(at, kWordDouble, opened);
  return Go(at, kWord, flags);
}

Context InExecCommand(Context at, char c) {
  if (at.state == kExecPrefix && (IsBlank(c) || std::string_view("@-:+!").contains(c))) return at;
  if (IsBlank(c)) return Go(at, kWordStart);
  return Go(at, kExecCommand, AfterCharacter(at, c));
}

bool InQuotes(Context at) { return at.state == kWordSingle || at.state == kWordDouble; }

Context InValue(Context at, char c) {
  if (at.flags & kEscaped) {
    if (c == '\n') return Join(at);
    const State state = at.state == kWordStart ? kWord : static_cast<State>(at.state);
    return Go(at, state, (at.flags & (kEnvironment | kAssigned)) | kBegun);
  }
  if (c == '\n') return InQuotes(at) ? Context{.state = kUnclosed} : Context{};
  if (at.flags & kContinued) {
    if (c == '#' || c == ';') return SkipComment(at);
    at.flags = static_cast<uint8_t>(at.flags & ~kContinued);
    if (IsBlank(c)) at.flags |= kContinued;
  }
  if (c == '\\') {
    at.flags |= kEscaped;
    return at;
  }
  switch (at.state) {
    case kText:
    case kOther:
      if (IsBlank(c) && !(at.flags & kBegun)) return at;
      return Go(at, static_cast<State>(at.state), AfterCharacter(at, c));
    case kExecPrefix:
    case kExecCommand:
      return InExecCommand(at, c);
    default:
      return InWord(at, c);
  }
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kLine:
      if (c == '\n' || IsBlank(c)) return at;
      if (c == '#' || c == ';') return Go(at, kComment);
      if (c == '[') return Go(at, kSection);
      [[fallthrough]];
    case kKey:
      if (c == '\n') return {};
      if (c == '=') return BeginValue(at);
      if (IsBlank(c)) return at;
      at.nesting = NextLetter(kKeys, static_cast<uint16_t>(at.nesting & kLetters), c);
      return Go(at, kKey);
    case kComment:
      return c == '\n' ? EndComment(at) : at;
    case kSection:
      return c == '\n' ? Context{} : at;
    case kUnclosed:
      return at;
    default:
      return InValue(at, c);
  }
}

Context AfterHole(Context at) {
  switch (at.state) {
    case kText:
    case kOther:
    case kWordSingle:
    case kWordDouble:
      at.flags |= kBegun;
      at.flags = static_cast<uint8_t>(at.flags & ~kContinued);
      return at;
    case kExecPrefix:
      return Go(at, kExecCommand, kBegun);
    case kWordStart:
      return Go(at, kWord, (at.flags & kEnvironment) | kBegun);
    default:
      return at;
  }
}

std::string_view WriteLine(std::string_view value, Context, std::string& out) {
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  if (!value.empty() && IsBlank(value.back())) return kOuterBlankRefused;
  if (value.ends_with('\\')) return "a backslash at its end would join the next line";
  AppendEscaped(value, "%", '%', out);
  return {};
}

std::string_view WriteWholeLine(std::string_view value, Context at, std::string& out) {
  if (value.empty()) return "an empty value takes the setting back";
  if (IsBlank(value.front())) return kOuterBlankRefused;
  return WriteLine(value, at, out);
}

std::string_view WritePlainWord(std::string_view value, Context, std::string& out) {
  for (const char c : value) {
    if (!IsAtomChar(c) && c != ',' && c != '=') {
      return "this setting reads blanks, quotes and signs in a way of its own: only a word of "
             "letters, digits and ._:/@+-,= can stand here";
    }
  }
  if (value.empty() || std::string_view("-+@:~,=").contains(value.front())) {
    return "a value of this setting must begin with a letter, a digit, a point or a slash";
  }
  out += value;
  return {};
}

// The inside of a quoted word, with the escapes of C that systemd undoes.
template <bool expands>
std::string_view WriteInQuotes(std::string_view value, Context, std::string& out) {
  constexpr std::string_view kHex = "0123456789abcdef";
  if (HasNul(value)) return kNulRefused;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      ((out += "\\x") += kHex[byte >> 4]) += kHex[byte & 15];
    } else {
      if (c == '\\' || c == '"' || c == '\'') out += '\\';
      if (c == '%' || (expands && c == '$')) out += c;
      out += c;
    }
  }
  return {};
}

template <bool expands>
std::string_view WriteQuoted(std::string_view value, Context at, std::string& out) {
  out += '"';
  const auto why = WriteInQuotes<expands>(value, at, out);
  out += '"';
  return why;
}

constexpr std::string_view kOption = "a value that begins with a dash would be read as an option";

std::string_view WriteArgument(std::string_view value, Context at, std::string& out) {
  if (value.starts_with('-') && BeginsWord(out)) return kOption;
  return WriteQuoted<true>(value, at, out);
}

std::string_view WriteInArgument(std::string_view value, Context at, std::string& out) {
  if (value.starts_with('-') && BeginsQuotedWord(out)) return kOption;
  return WriteInQuotes<true>(value, at, out);
}

std::string_view WriteCommand(std::string_view value, Context at, std::string& out) {
  const char first = value.empty() ? '-' : value.front();
  if (!IsAlnum(first) && first != '/') {
    return "the sign at its beginning would change how the command is run";
  }
  return WriteBare(value, at, out);
}

Fit AdmitWordText(Context at) {
  const bool quoted = InQuotes(at);
  if (at.flags & kEnvironment) {
    if (!(at.flags & kAssigned)) {
      return Refuse("the name of a variable is made of atoms; a free text stands behind its `=`");
    }
    return Write(quoted ? WriteInQuotes<false> : WriteQuoted<false>);
  }
  return Write(quoted ? WriteInArgument : WriteArgument);
}

Fit AdmitText(Context at) {
  switch (at.state) {
    case kText:
      return Write(at.flags & kBegun ? WriteLine : WriteWholeLine);
    case kOther:
      return Write(WritePlainWord);
    case kExecPrefix:
    case kExecCommand:
      return Refuse("a command is a path, which is an atom");
    default:
      return AdmitWordText(at);
  }
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == kComment) return Write(WriteComment);
  if (at.state <= kKey) return Refuse("section names and keys are literal");
  if (at.flags & kEscaped) return Refuse("the backslash before it would change what it means");
  if (at.flags & kPercent) return Refuse("the percent sign before it would make a specifier of it");
  if (at.flags & (kDollar | kBraces))
    return Refuse("the `$` before it would make a variable of it");
  if (value == ValueClass::kText) return AdmitText(at);
  return Write(at.state == kExecPrefix ? WriteCommand : WriteBare);
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kLine:
    case kKey:
      return "where a key is due";
    case kComment:
      return "in a comment";
    case kSection:
      return "in the name of a section";
    case kText:
    case kOther:
      return "in the value of a setting";
    case kExecPrefix:
    case kExecCommand:
      return "where a command is due";
    case kWordSingle:
      return "inside single quotes";
    case kWordDouble:
      return "inside double quotes";
    default:
      return at.flags & kEnvironment ? "in a word of Environment=" : "in an argument of a command";
  }
}

bool MayEnd(Context at) {
  return !InQuotes(at) && at.state != kSection && at.state != kUnclosed &&
         !(at.flags & (kEscaped | kContinued));
}

constexpr Language kSystemd = {
    .name = "systemd",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken =
        [](Context at) { return at.state == kUnclosed ? kUnclosedQuote : std::string_view(); },
};

}  // namespace

const Language& Systemd() { return kSystemd; }

}  // namespace kb::lang
