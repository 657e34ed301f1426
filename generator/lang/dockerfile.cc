#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// Dockerfile: a text stands in a value of ENV, LABEL and ARG, or in an element of the JSON form of
// a command. The shell form of a command is a program in another language: it takes atoms.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,
  kComment,
  kInstruction,
  kNames,  // ENV, LABEL, ARG: where a name is due, or in it
  kValue,  // behind its `=`, outside of quotes
  kSingle,
  kDouble,
  kMaybeJson,  // RUN, CMD, ENTRYPOINT, SHELL: behind the word
  kJsonItem,   // where an element is due
  kJsonString,
  kJsonAfter,
  kAtoms,  // everywhere else
  kBroken,
};

enum Flag : uint8_t {
  kEscaped = 1,
  kDollar = 2,
  kBraces = 4,
  kBelow = 8,       // an instruction stands above: a comment is no directive to the parser
  kContinued = 16,  // at the beginning of a line that continues another
};

enum Reason : uint8_t { kGlued = 1, kHereDocument, kUnclosed };

constexpr std::array<std::string_view, 8> kInstructions = {
    "ARG", "CMD", "ENTRYPOINT", "ENV", "LABEL", "ONBUILD", "RUN", "SHELL"};
static_assert(std::ranges::is_sorted(kInstructions));

char Upper(char c) { return IsLower(c) ? static_cast<char>(c - 'a' + 'A') : c; }

Context Go(Context at, State state, uint8_t flags = 0) {
  at.state = state;
  at.flags = flags;
  return at;
}

// `nesting`: the instruction's letters; in a comment between continued lines, the state it
// interrupts, plus one.
Context BeginArguments(Context at) {
  const int row = WholeWord(kInstructions, static_cast<uint16_t>(at.nesting));
  at.nesting = 0;
  if (row < 0) return Go(at, kAtoms);
  const std::string_view word = kInstructions[static_cast<size_t>(row)];
  if (word == "ONBUILD") return Go(at, kInstruction);
  const bool names = word == "ARG" || word == "ENV" || word == "LABEL";
  return Go(at, names ? kNames : kMaybeJson);
}

bool InQuotes(Context at) { return at.state == kSingle || at.state == kDouble; }
bool InBrackets(Context at) { return at.state >= kJsonItem && at.state <= kJsonAfter; }

// A backslash at a line's end joins the next line; comments and empty lines between are left out.
Context Join(Context at) {
  const State state = at.state == kValue ? kNames : static_cast<State>(at.state);
  return Go(at, InQuotes(at) ? static_cast<State>(at.state) : state, kContinued);
}

Context InJson(Context at, char c) {
  switch (at.state) {
    case kMaybeJson:
      if (IsBlank(c)) return at;
      return Go(at, c == '[' ? kJsonItem : kAtoms);
    case kJsonItem:
      if (c == '"') return Go(at, kJsonString);
      if (c == ']') return Go(at, kAtoms);
      return at;
    case kJsonString:
      return c == '"' ? Go(at, kJsonAfter) : Go(at, kJsonString);
    default:
      if (IsBlank(c)) return at;
      if (c == ',') return Go(at, kJsonItem);
      return c == ']' ? Go(at, kAtoms) : Context{.state = kBroken, .flags = kGlued};
  }
}

Context InAssignment(Context at, char c) {
  uint8_t flags = at.flags & kBraces;
  if (c == '$') flags |= kDollar;
  if (c == '{' && (at.flags & kDollar)) flags |= kBraces;
  if (c == '}') flags = 0;
  switch (at.state) {
    case kNames:
      return Go(at, c == '=' ? kValue : kNames);
    case kValue:
      if (IsBlank(c)) return Go(at, kNames);
      if (c == '\'') return Go(at, kSingle);
      return Go(at, c == '"' ? kDouble : kValue, flags);
    case kSingle:
      return c == '\'' ? Go(at, kValue) : at;
    default:
      return c == '"' ? Go(at, kValue) : Go(at, kDouble, flags);
  }
}

Context InLine(Context at, char c) {
  if (at.flags & kEscaped) {
    if (c == '\n') return Join(at);
    return Go(at, static_cast<State>(at.state));
  }
  if (c == '\n' && at.flags & kContinued) return at;
  if (c == '\n' && InQuotes(at)) return {.state = kBroken, .flags = kUnclosed};
  if (c == '\n' && InBrackets(at)) return {.state = kBroken, .flags = kGlued};
  if (c == '\n') return {.flags = kBelow};
  if (at.flags & kContinued) {
    if (IsBlank(c)) return at;
    if (c == '#') {
      at.nesting = uint64_t{at.state} + 1;
      return Go(at, kComment, kBelow);
    }
    at.flags = 0;
  }
  if (c == '\\' && at.state != kSingle) {
    at.flags |= kEscaped;
    return at;
  }
  if (at.state >= kNames && at.state <= kDouble) return InAssignment(at, c);
  if (at.state != kAtoms) return InJson(at, c);
  if (c != '<') return Go(at, kAtoms, c == '$' ? kDollar : 0);
  // `nesting` is 1 behind a `<`.
  if (at.nesting == 1) return {.state = kBroken, .flags = kHereDocument};
  at.nesting = 1;
  return Go(at, kAtoms);
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kLine:
      if (c == '\n' || IsBlank(c)) return at;
      if (c == '#') return Go(at, kComment, at.flags & kBelow);
      [[fallthrough]];
    case kInstruction:
      if (c == '\n') return {.flags = kBelow};
      if (IsBlank(c)) return at.nesting == 0 ? at : BeginArguments(at);
      at.nesting = NextLetter(kInstructions, static_cast<uint16_t>(at.nesting), Upper(c));
      return Go(at, kInstruction);
    case kComment:
      if (c != '\n') return at;
      if (at.nesting != 0) {
        const auto state = static_cast<State>(at.nesting - 1);
        at.nesting = 0;
        return Go(at, state, kContinued);
      }
      return Go(at, kLine, at.flags & kBelow);
    case kBroken:
      return at;
    default:
      if (at.state == kAtoms && c != '<') at.nesting = 0;
      return InLine(at, c);
  }
}

Context AfterHole(Context at) {
  at.flags = static_cast<uint8_t>(at.flags & ~kContinued);
  if (at.state == kJsonItem) return Go(at, kJsonAfter);
  if (at.state == kMaybeJson) return Go(at, kAtoms);
  return at;
}

std::string_view NotDockerLine(std::string_view value) {
  // The parser reads lines of less than 64 KiB; escapes and the rest of the line need room too.
  constexpr size_t kLongest = size_t{30} * 1024;
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  if (FindInvalidUtf8(value) != std::string_view::npos) return "docker reads UTF-8 only";
  if (value.size() > kLongest) return "docker reads no line of a Dockerfile beyond 64 KiB";
  if (HasControl(value, "\t")) return kControlRefused;
  return {};
}

std::string_view WriteInDouble(std::string_view value, Context, std::string& out) {
  if (const auto why = NotDockerLine(value); !why.empty()) return why;
  AppendEscaped(value, "\"\\$", '\\', out);
  return {};
}

std::string_view WriteInSingle(std::string_view value, Context, std::string& out) {
  if (const auto why = NotDockerLine(value); !why.empty()) return why;
  if (value.find('\'') != std::string_view::npos) return "single quotes cannot hold a single quote";
  if (value.ends_with('\\')) return "the parser takes a backslash before a quote for an escape";
  out += value;
  return {};
}

std::string_view WriteQuoted(std::string_view value, Context at, std::string& out) {
  out += '"';
  const auto why = WriteInDouble(value, at, out);
  out += '"';
  return why;
}

std::string_view WriteInJson(std::string_view value, Context, std::string& out) {
  constexpr size_t kLongest = size_t{10} * 1024;
  if (HasNul(value)) return kNulRefused;
  if (FindInvalidUtf8(value) != std::string_view::npos) return "JSON is UTF-8, and this is not";
  if (value.size() > kLongest) return "docker reads no line of a Dockerfile beyond 64 KiB";
  AppendJsonEscaped(value, out);
  return {};
}

std::string_view WriteJson(std::string_view value, Context at, std::string& out) {
  out += '"';
  const auto why = WriteInJson(value, at, out);
  out += '"';
  return why;
}

// `# escape=x` above the first instruction is no comment.
std::string_view WriteTopComment(std::string_view value, Context at, std::string& out) {
  if (value.find('=') != std::string_view::npos) {
    return "above the first instruction a comment with `=` could be a directive";
  }
  return WriteComment(value, at, out);
}

Fit AdmitText(uint8_t state) {
  switch (state) {
    case kValue:
      return Write(WriteQuoted);
    case kSingle:
      return Write(WriteInSingle);
    case kDouble:
      return Write(WriteInDouble);
    case kNames:
      return Refuse("the names of variables and labels are made of atoms");
    case kMaybeJson:
      return Refuse("the shell form is a program: use the JSON form, or ship a script");
    default:
      return Refuse(
          "this instruction takes atoms; a text stands in ENV, LABEL, ARG or a JSON form");
  }
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == kComment) return Write(at.flags & kBelow ? WriteComment : WriteTopComment);
  if (at.state == kLine || at.state == kInstruction) return Refuse("instructions are literal");
  if (at.flags & kEscaped) return Refuse("the backslash before it would change what it means");
  if (at.flags & (kDollar | kBraces))
    return Refuse("the `$` before it would make a variable of it");
  if (at.state == kJsonItem) return Write(WriteJson);
  if (at.state == kJsonString) return Write(WriteInJson);
  if (at.state == kJsonAfter) return Refuse("a comma or the closing bracket is due");
  return value == ValueClass::kText ? AdmitText(at.state) : Write(WriteBare);
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kLine:
    case kInstruction:
      return "where an instruction is due";
    case kComment:
      return "in a comment";
    case kNames:
      return "in the name of a variable";
    case kValue:
      return "in a value";
    case kSingle:
      return "inside single quotes";
    case kDouble:
      return "inside double quotes";
    case kJsonItem:
    case kJsonString:
    case kJsonAfter:
      return "in the JSON form of a command";
    default:
      return "in an argument";
  }
}

bool MayEnd(Context at) {
  switch (at.state) {
    case kSingle:
    case kDouble:
    case kJsonItem:
    case kJsonString:
    case kJsonAfter:
    case kBroken:
      return false;
    default:
      return !(at.flags & (kEscaped | kContinued));
  }
}

std::string_view Broken(Context at) {
  if (at.state != kBroken) return {};
  if (at.flags == kUnclosed) return kUnclosedQuote;
  return at.flags == kHereDocument
             ? "a here-document is a program in another language: ship a file"
             : "the JSON form needs commas between its elements, and its bracket on the same line";
}

constexpr Language kDockerfile = {
    .name = "dockerfile",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = Broken,
};

}  // namespace

const Language& Dockerfile() { return kDockerfile; }

}  // namespace kb::lang
