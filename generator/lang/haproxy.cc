#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// HAProxy: quotes and backslashes of a line are undone first, and only then are its words looked
// at. Quoting therefore cannot hide what a word itself means: a log format's `%`, the brace that
// ends a condition, the brackets of a sample's arguments. On lines that have those, texts that
// hold them are refused.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,     // before the first word
  kKeyword,  // in it
  kArgStart,
  kArg,
  kSingle,
  kDouble,
  kComment,
  kUnclosed,
};

enum Flag : uint8_t {
  kEscaped = 1,
  kDollar = 2,  // in "…", behind a `$`, or in its name or braces
  kBraces = 4,
  kRules = 16,   // the line has samples, conditions or log formats among its words
  kFormat = 32,  // the line is a log format
  kNames = 64,   // the line opens a section, or is a condition of the file itself
};

struct Keyword {
  std::string_view word;
  Flag kind;
};

constexpr std::array kKeywords = {
    Keyword{".elif", kNames},
    Keyword{".if", kNames},
    Keyword{"acl", kRules},
    Keyword{"backend", kNames},
    Keyword{"cache", kNames},
    Keyword{"defaults", kNames},
    Keyword{"error-log-format", kFormat},
    Keyword{"force-persist", kRules},
    Keyword{"frontend", kNames},
    Keyword{"http-after-response", kRules},
    Keyword{"http-check", kRules},
    Keyword{"http-error", kRules},
    Keyword{"http-errors", kNames},
    Keyword{"http-request", kRules},
    Keyword{"http-response", kRules},
    Keyword{"ignore-persist", kRules},
    Keyword{"listen", kNames},
    Keyword{"log-format", kFormat},
    Keyword{"log-format-sd", kFormat},
    Keyword{"mailers", kNames},
    Keyword{"monitor", kRules},
    Keyword{"peers", kNames},
    Keyword{"program", kNames},
    Keyword{"redirect", kRules},
    Keyword{"resolvers", kNames},
    Keyword{"ring", kNames},
    Keyword{"set-var", kRules},
    Keyword{"set-var-fmt", kRules},
    Keyword{"stick", kRules},
    Keyword{"tcp-check", kRules},
    Keyword{"tcp-request", kRules},
    Keyword{"tcp-response", kRules},
    Keyword{"unique-id-format", kFormat},
    Keyword{"use-server", kRules},
    Keyword{"use_backend", kRules},
    Keyword{"userlist", kNames},
};

constexpr auto kWords = [] {
  std::array<std::string_view, kKeywords.size()> words;
  for (size_t i = 0; i < words.size(); ++i) words[i] = kKeywords[i].word;
  return words;
}();
static_assert(std::ranges::is_sorted(kWords));

constexpr uint8_t kLineKind = kRules | kFormat | kNames;

// `nesting` counts the letters of the keyword, then the open brackets of a word.
Context Go(Context at, State state, uint8_t flags) {
  at.state = state;
  at.flags = flags;
  return at;
}

Context BeginArguments(Context at) {
  const int row = WholeWord(kWords, static_cast<uint16_t>(at.nesting));
  at.nesting = 0;
  return Go(at, kArgStart, row < 0 ? 0 : kKeywords[static_cast<size_t>(row)].kind);
}

Context CountBrackets(Context at, char c) {
  if (!(at.flags & kRules)) return at;
  if (c == '(') ++at.nesting;
  if (c == ')' && at.nesting > 0) --at.nesting;
  return at;
}

Context InDouble(Context at, char c) {
  const bool dollar = at.flags & kDollar;
  uint8_t flags = at.flags & (kLineKind | kBraces);
  if (c == '"') return Go(at, kArg, flags & kLineKind);
  if (c == '$') flags |= kDollar;
  if (dollar && c == '{') flags |= kBraces;
  if (dollar && (IsAlnum(c) || c == '_')) flags |= kDollar;
  if (c == '}') flags = static_cast<uint8_t>(flags & ~kBraces);
  return Go(CountBrackets(at, c), kDouble, flags);
}

Context InArgument(Context at, char c) {
  const uint8_t kind = at.flags & kLineKind;
  switch (c) {
    case ' ':
    case '\t':
      at.nesting = 0;
      return Go(at, kArgStart, kind);
    case '#':
      return Go(at, kComment, 0);
    case '\'':
      return Go(at, kSingle, at.flags);
    case '"':
      return Go(at, kDouble, at.flags);
    default:
      return Go(CountBrackets(at, c), kArg, kind);
  }
}

Context Step(Context at, char c) {
  if (at.flags & kEscaped) {
    // A line end cannot be escaped: HAProxy has no continuation lines.
    if (c == '\n') return {};
    return Go(CountBrackets(at, c), at.state == kArgStart ? kArg : static_cast<State>(at.state),
              (at.flags & kLineKind));
  }
  if (at.state == kUnclosed) return at;
  const bool quoted = at.state == kSingle || at.state == kDouble;
  if (c == '\n') return quoted ? Context{.state = kUnclosed} : Context{};
  if (c == '\\' && at.state != kComment && at.state != kSingle) {
    at.flags |= kEscaped;
    return at;
  }
  switch (at.state) {
    case kLine:
      if (IsBlank(c)) return at;
      if (c == '#') return Go(at, kComment, 0);
      [[fallthrough]];
    case kKeyword:
      if (IsBlank(c)) return BeginArguments(at);
      if (c == '#') return Go(at, kComment, 0);
      at.nesting = NextLetter(kWords, static_cast<uint16_t>(at.nesting), c);
      return Go(at, kKeyword, 0);
    case kArgStart:
    case kArg:
      return InArgument(at, c);
    case kSingle:
      if (c == '\'') return Go(at, kArg, at.flags);
      return Go(CountBrackets(at, c), kSingle, at.flags);
    case kDouble:
      return InDouble(at, c);
    default:
      return at;
  }
}

Context AfterHole(Context at) {
  if (at.state == kArgStart) at.state = kArg;
  return at;
}

std::string_view WriteInSingle(std::string_view value, Context, std::string& out) {
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  for (const char c : value) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return {};
}

std::string_view WriteInDouble(std::string_view value, Context, std::string& out) {
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  AppendEscaped(value, "\\\"$", '\\', out);
  return {};
}

// Inside `${…}`: the name of a variable of the environment.
std::string_view WriteVariable(std::string_view value, Context, std::string& out) {
  if (!std::ranges::all_of(value, [](char c) { return IsAlnum(c) || c == '_'; }))
    return "the name of a variable is made of letters, digits and `_`";
  out += value;
  return {};
}

std::string_view WriteArgument(std::string_view value, Context at, std::string& out) {
  if (!value.empty() && std::ranges::all_of(value, IsAtomChar)) return WriteBare(value, at, out);
  out += '\'';
  const auto why = WriteInSingle(value, at, out);
  out += '\'';
  return why;
}

// What a whole word means whether it is quoted or not.
std::string_view MeansMore(std::string_view value) {
  constexpr std::array<std::string_view, 7> kOperators = {"{",  "}",  "!",     "||",
                                                          "or", "if", "unless"};
  if (value.empty()) return "HAProxy takes an empty argument for the end of the line";
  if (value.starts_with('-')) return "a value that begins with a dash would be read as an option";
  if (std::ranges::find(kOperators, value) != kOperators.end()) {
    return "HAProxy reads this word as a part of a condition, quoted or not";
  }
  return {};
}

std::string_view WriteWord(std::string_view value, Context at, std::string& out) {
  if (BeginsWord(out)) {
    if (const auto why = MeansMore(value); !why.empty()) return why;
  }
  return WriteArgument(value, at, out);
}

template <EscapeFn Inside>
std::string_view WriteQuotedWord(std::string_view value, Context at, std::string& out) {
  if (BeginsQuotedWord(out)) {
    if (const auto why = MeansMore(value); !why.empty()) return why;
  }
  return Inside(value, at, out);
}

template <EscapeFn Rest>
std::string_view WriteInRule(std::string_view value, Context at, std::string& out) {
  if (value.find('%') != std::string_view::npos) {
    return "on this line `%` could begin a variable of a log format";
  }
  return Rest(value, at, out);
}

template <EscapeFn Plain>
Fit AdmitWord(uint8_t flags) {
  return Write(flags & kRules ? WriteInRule<Plain> : Plain);
}

Fit AdmitText(Context at) {
  if (at.flags & kNames) return Refuse("the name of a section is made of atoms");
  if (at.flags & kFormat) return Refuse("a log format is written out, `%` and all");
  if (at.nesting > 0) return Refuse("a sample's arguments are made of atoms");
  switch (at.state) {
    case kSingle:
      return AdmitWord<WriteQuotedWord<WriteInSingle>>(at.flags);
    case kDouble:
      return AdmitWord<WriteQuotedWord<WriteInDouble>>(at.flags);
    default:
      return AdmitWord<WriteWord>(at.flags);
  }
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == kComment) return Write(WriteComment);
  if (at.flags & kEscaped) return Refuse("the backslash before it would change what it means");
  if (at.state == kLine || at.state == kKeyword) return Refuse("keywords are literal");
  if (at.flags & kBraces && value == ValueClass::kAtom) return Write(WriteVariable);
  if (at.flags & (kDollar | kBraces))
    return Refuse("the `$` before it would make a variable of it");
  return value == ValueClass::kText ? AdmitText(at) : Write(WriteBare);
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kLine:
    case kKeyword:
      return "where a keyword is due";
    case kSingle:
      return "inside single quotes";
    case kDouble:
      return "inside double quotes";
    case kComment:
      return "in a comment";
    default:
      return "in an argument";
  }
}

bool MayEnd(Context at) {
  return at.state != kSingle && at.state != kDouble && at.state != kUnclosed &&
         !(at.flags & kEscaped);
}

constexpr Language kHaproxy = {
    .name = "haproxy",
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

const Language& Haproxy() { return kHaproxy; }

}  // namespace kb::lang
