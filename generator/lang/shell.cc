#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/shell_reader.h"

// Shell: bash. A value may be an argument or a part of one, stand inside quotes, in an assignment,
// an array, a pattern or a comment. It never chooses what runs, and never stands where bash would
// read it a second time.
namespace kb::lang {
namespace {

using namespace shell;

constexpr std::string_view kNul = "a NUL byte cannot stand in a shell script";
constexpr std::string_view kOption = "it begins with `-` and would be read as an option";
constexpr std::string_view kTwice = "the command reads its arguments as a program";

bool HasNul(std::string_view value) { return value.find('\0') != std::string_view::npos; }

// Bare only what no part of bash gives a meaning: no `=` (assignments), no `,` (braces), no `~`.
bool NeedsQuotes(std::string_view value) {
  for (char c : value) {
    if (!IsAtomChar(c) && c != '%') return true;
  }
  return value.empty() || value.front() == '-';
}

void AppendSingleQuoted(std::string_view value, std::string& out) {
  for (size_t quote; (quote = value.find('\'')) != std::string_view::npos;) {
    out += value.substr(0, quote);
    out += "'\\''";
    value.remove_prefix(quote + 1);
  }
  out += value;
}

std::string_view WriteWord(std::string_view value, Context, std::string& out) {
  if (HasNul(value)) return kNul;
  if (!NeedsQuotes(value)) {
    out += value;
    return {};
  }
  out += '\'';
  AppendSingleQuoted(value, out);
  out += '\'';
  return {};
}

// Whether what is written next begins an argument, as far as a program sees it: empty values in
// quotes before it leave nothing behind.
bool BeginsArgument(std::string_view out) {
  while (!out.empty() && (out.back() == '\'' || out.back() == '"')) out.remove_suffix(1);
  return out.empty() || out.back() == ' ' || out.back() == '\t' || out.back() == '\n';
}

std::string_view WriteArgument(std::string_view value, Context at, std::string& out) {
  if (value.starts_with('-') && BeginsArgument(out)) return kOption;
  return WriteWord(value, at, out);
}

std::string_view WriteInDouble(std::string_view value, Context, std::string& out) {
  if (HasNul(value)) return kNul;
  for (char c : value) {
    if (c == '"' || c == '\\' || c == '$' || c == '`') out += '\\';
    out += c;
  }
  return {};
}

// Between double quotes in an array bash 5.2 adds a \x01, its own mark for escapes, before these.
std::string_view WriteInDoubleItem(std::string_view value, Context at, std::string& out) {
  if (value.find_first_of("\x01\x7f") != std::string_view::npos) {
    return "bash changes U+0001 and U+007F between double quotes in an array; use single quotes";
  }
  return WriteInDouble(value, at, out);
}

std::string_view WriteInSingle(std::string_view value, Context, std::string& out) {
  if (HasNul(value)) return kNul;
  AppendSingleQuoted(value, out);
  return {};
}

// An opening quote is the last byte of `out` only while nothing but empty values was written.
std::string_view WriteInDoubleArgument(std::string_view value, Context at, std::string& out) {
  if (value.starts_with('-') && out.ends_with('"') && BeginsArgument(out)) return kOption;
  return WriteInDouble(value, at, out);
}

std::string_view WriteInSingleArgument(std::string_view value, Context at, std::string& out) {
  if (value.starts_with('-') && out.ends_with('\'') && BeginsArgument(out)) return kOption;
  return WriteInSingle(value, at, out);
}

std::string_view WritePattern(std::string_view value, Context at, std::string& out) {
  if (value != "esac") return WriteBare(value, at, out);
  out += "'esac'";
  return {};
}

std::string_view WriteComment(std::string_view value, Context, std::string& out) {
  for (char c : value) {
    const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    out += control ? ' ' : c;
  }
  return {};
}

// The zones in which bash reads the text by other rules than those of words.
std::string_view ForbiddenZone(Context at) {
  for (; at.nesting != 0; at.nesting >>= kLevelBits) {
    switch (Top(at)) {
      case Frame::kSubstitution:
        return "inside `$( )`";
      case Frame::kBackquote:
        return "inside backquotes";
      case Frame::kParameter:
        return "inside `${ }`";
      case Frame::kArithmetic:
      case Frame::kArithmeticInner:
        return "inside arithmetic";
      case Frame::kFunction:
        return "inside the parentheses of a function";
      default:
        break;
    }
  }
  return {};
}

std::string_view DescribeWord(Context at) {
  switch (at.state) {
    case kCommand:
    case kSemicolon:
    case kAmpersand:
    case kGroup:
      return "in the place of a command";
    case kCommandName:
    case kCommandWord:
      return "in the name of a command";
    case kSubscript:
      return "in a subscript";
    case kArg:
      return Top(at) == Frame::kArray ? "as an item of an array" : "as an argument";
    case kTarget:
    case kRedirect:
      return "as the target of a redirection";
    case kHere:
      return "as the delimiter of a here-document";
    case kDuplicate:
      return "as the number of a descriptor";
    case kPattern:
    case kPatternWord:
      return "in a pattern of `case`";
    case kComment:
    case kPatternComment:
      return "in a comment";
    default:
      break;
  }
  if (at.indent & kTargetBit) return "in the target of a redirection";
  return at.flags & kBefore ? "in the value of an assignment" : "inside an argument";
}

std::string_view Describe(Context at) {
  if (const std::string_view zone = ForbiddenZone(at); !zone.empty()) return zone;
  if (at.flags & kEscaped) return "behind a backslash";
  if (at.flags & kDollar) return "behind a `$`";
  if (at.flags & kVariable) return "right behind the name of a variable";
  switch (Top(at)) {
    case Frame::kDouble:
      return "inside double quotes";
    case Frame::kSingle:
      return "inside single quotes";
    case Frame::kAnsi:
      return "inside `$'…'`";
    case Frame::kTestRegex:
      return "in a regular expression of `[[ ]]`";
    default:
      break;
  }
  if (at.flags & kBracket) return "inside brackets that bash may expand";
  return DescribeWord(at);
}

Fit Refuse(std::string_view why) { return {.refusal = why}; }

// Inside quotes: what matters is the word that they belong to.
Fit AdmitQuoted(Context at, ValueClass value) {
  const bool in_double = Top(at) == Frame::kDouble;
  const bool array = Below(at) == Frame::kArray;
  const bool target = (at.nesting >> 8 & 1) != 0;
  const Resume resume = TopResume(at);
  if (resume == Resume::kCommand || resume == Resume::kCommandWord) {
    return Refuse("a value must not choose what runs");
  }
  if (resume == Resume::kSubscript) return Refuse("bash evaluates subscripts");
  if (value != ValueClass::kText) return {.escape = WriteBare};
  if (IsOpen(at, Frame::kTest) || IsOpen(at, Frame::kTestRegex)) {
    return Refuse("`[[ ]]` evaluates the operands of numeric comparisons");
  }
  if (resume == Resume::kArgEvaluated && !target) return Refuse(kTwice);
  if (in_double && IsOpen(at, Frame::kArray)) return {.escape = WriteInDoubleItem};
  if (resume == Resume::kArg && !target && !array && Below(at) != Frame::kCaseHead) {
    return {.escape = in_double ? WriteInDoubleArgument : WriteInSingleArgument};
  }
  return {.escape = in_double ? WriteInDouble : WriteInSingle};
}

Fit AdmitText(Context at) {
  if (at.state == kPattern || at.state == kPatternWord) {
    return Refuse("a pattern is made of atoms; put a free text between double quotes");
  }
  if (Top(at) == Frame::kTest) {
    return Refuse("`[[ ]]` evaluates the operands of numeric comparisons");
  }
  const bool target = at.state == kTarget || at.state == kRedirect || (at.indent & kTargetBit) != 0;
  if ((at.flags & kEvaluated) && !target) return Refuse(kTwice);
  const bool starts = at.state == kArg || (at.flags & kNumber) != 0;
  const bool options = starts && !target && !(at.flags & (kDashDash | kBefore)) &&
                       Top(at) != Frame::kArray && Top(at) != Frame::kCaseHead;
  return {.escape = options ? WriteArgument : WriteWord};
}

Fit Admit(Context at, ValueClass value) {
  if (!ForbiddenZone(at).empty()) {
    return Refuse("bash reads it by other rules there; assign it to a variable first");
  }
  if (at.flags & (kEscaped | kDollar)) {
    return Refuse("the character before it would change what it means");
  }
  if (at.flags & kVariable) return Refuse("it could become part of that name; write `${name}`");
  if (Top(at) == Frame::kAnsi) return Refuse("use single or double quotes");
  if (at.state == kInner) return AdmitQuoted(at, value);
  if (at.state == kComment || at.state == kPatternComment) {
    return {.escape = value == ValueClass::kText ? WriteComment : WriteBare};
  }
  if (at.state <= kSubscript) {
    return Refuse(at.state == kSubscript ? "bash evaluates subscripts"
                                         : "a value must not choose what runs");
  }
  if (at.state == kHere) return Refuse("a here-string is written `<<< <%= … %>`");
  if (Top(at) == Frame::kTestRegex) return Refuse("it would be read as an expression; quote it");
  if (at.flags & kBracket) return Refuse("put it between double quotes");
  if (at.state == kDuplicate && value != ValueClass::kInt) return Refuse("only a number names one");
  if (value == ValueClass::kText) return AdmitText(at);
  const bool pattern = at.state == kPattern && value == ValueClass::kAtom;
  return {.escape = pattern ? WritePattern : WriteBare};
}

bool MayEnd(Context at) {
  if (at.nesting != 0 || (at.flags & (kEscaped | kDollar))) return false;
  return at.state <= kWord || at.state == kComment;
}

std::string_view Broken(Context at) {
  switch (at.state) {
    case kLostHere:
      return "a here-document is not closed before the next statement or hole";
    case kLostDepth:
      return "quotes and substitutions nest deeper than seven levels";
    case kLostNumber:
      return "a redirection right behind a value; put a blank between";
    case kLostQuote:
      return "a single quote in `${ }` inside double quotes";
    case kLostBackquote:
      return "backquotes inside backquotes; write `$( )`";
    default:
      return {};
  }
}

constexpr Language kShell = {.name = "shell",
                             .comment = "#",
                             .advance = Advance,
                             .after_hole = AfterHole,
                             .admit = Admit,
                             .describe = Describe,
                             .may_end = MayEnd,
                             .broken = Broken};

}  // namespace

const Language& Shell() { return kShell; }

}  // namespace kb::lang
