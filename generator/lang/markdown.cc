#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// Markdown (CommonMark with GitHub's tables): in running text and in cells every value is written
// with backslashes and, where a blank or a line end would mean something, with entities: a line end
// is &#10; which a cell keeps as well. In code nothing can be escaped, so what would end it is
// refused. Link targets and HTML take atoms.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,    // in the blanks that begin a line; `flags` counts them
  kTicks,   // in backquotes; `flags` counts them
  kTildes,  // in tildes that begin a line
  kText,
  kBracket,     // behind `]`
  kTarget,      // in (…) behind it
  kCode,        // in a code span of `flags` backquotes
  kCodeTicks,   // there, in backquotes: the low byte of `nesting` counts them
  kInfo,        // behind the opening of a fence, until its line ends
  kFence,       // in a fence, at the beginning of a line
  kFenceText,   // in a line of it
  kFenceTicks,  // in what may close it
  kTag,         // in <…>
  kComment,     // in <!-- … -->
  kIndented,    // in a line that could be an indented code block
};

// `nesting`: a counter, and above it where the current thing began.
enum Bit : uint64_t {
  kCount = 0xFF,
  kEscaped = 1 << 8,
  kLineBegins = 1 << 9,  // backquotes so far are all of the line
  kBlankAbove = 1 << 10,
  kTilde = 1 << 11,  // the fence is of tildes
  kTable = 1 << 12,  // the line is a row of a table
  kDash = 1 << 13,   // in a comment: counts two dashes before `>`
  kDashes = 1 << 14,
};

Context Go(Context at, State state) {
  at.state = state;
  return at;
}

uint64_t Count(Context at) { return at.nesting & kCount; }

Context With(Context at, uint64_t count) {
  at.nesting = (at.nesting & ~uint64_t{kCount}) | count;
  return at;
}

Context NewLine(bool blank) {
  return {.state = kLine, .nesting = blank ? uint64_t{kBlankAbove} : 0};
}

constexpr std::string_view kControlInDocument = "a control character has no place in a document";

constexpr uint64_t kMostTicks = 200;

Context InText(Context at, char c) {
  const bool escaped = at.nesting & kEscaped;
  at.nesting &= ~uint64_t{kEscaped};
  if (c == '\n') return NewLine(false);
  if (escaped) return Go(at, kText);
  switch (c) {
    case '\\':
      at.nesting |= kEscaped;
      return Go(at, kText);
    case '`':
      return With(Go(at, kTicks), 1);
    case ']':
      return Go(at, kBracket);
    case '(':
      return Go(at, at.state == kBracket ? kTarget : kText);
    case '<':
      at.nesting &= uint64_t{kTable};
      return Go(at, kTag);
    default:
      return Go(at, kText);
  }
}

constexpr uint64_t kCodeIndent = 4;

// Behind an empty line an indented one is code, unless it belongs to a list.
bool MayBeCode(Context at) {
  return at.state == kIndented ||
         (at.state == kLine && Count(at) >= kCodeIndent && (at.nesting & kBlankAbove) != 0);
}

Context BeginLine(Context at, char c) {
  if (c == ' ') return Count(at) < kMostTicks ? With(at, Count(at) + 1) : at;
  if (c == '\t') return With(at, Count(at) | kCodeIndent);
  if (c == '\n') return NewLine(true);
  const uint64_t column = Count(at);
  const bool marker = c == '|' || c == '-' || c == '*' || c == '+' || c == '>' || IsDigit(c);
  if (MayBeCode(at) && !marker && c != '`' && c != '~') {
    return Go(at, kIndented);
  }
  at.indent = 0;
  if (c == '`' || c == '~') {
    at.indent = static_cast<uint16_t>(column);
    at.nesting = 1 | kLineBegins | (c == '~' ? uint64_t{kTilde} : 0);
    return Go(at, c == '~' ? kTildes : kTicks);
  }
  at.nesting = c == '|' ? uint64_t{kTable} : 0;
  return InText(Go(at, kText), c);
}

// Three or more at a line's beginning open a fence; otherwise backquotes open a span of code.
Context AfterTicks(Context at, char c) {
  const bool fence = at.nesting & kLineBegins && Count(at) >= 3;
  if (fence) return c == '\n' ? Go(at, kFence) : Go(at, kInfo);
  at.indent = 0;
  if (at.nesting & kTilde) {
    at.nesting = 0;
    return InText(Go(at, kText), c);
  }
  at.flags = static_cast<uint8_t>(Count(at));
  at.nesting &= uint64_t{kTable};
  return Go(at, kCode);
}

Context InCode(Context at, char c) {
  if (c == '`') {
    const uint64_t count = at.state == kCodeTicks ? Count(at) + 1 : 1;
    return With(Go(at, kCodeTicks), count < kMostTicks ? count : kMostTicks);
  }
  if (at.state == kCodeTicks && Count(at) == at.flags) {
    at.flags = 0;
    return InText(With(Go(at, kText), 0), c);
  }
  return With(Go(at, kCode), 0);
}

// `flags` is the length of the opening fence while the counter counts what may close it.
Context InFence(Context at, char c) {
  const char tick = at.nesting & kTilde ? '~' : '`';
  if (at.state == kFenceTicks) {
    if (c == tick) return With(at, Count(at) < kMostTicks ? Count(at) + 1 : Count(at));
    if (c == '\n' && Count(at) >= at.flags) return NewLine(false);
    if (IsBlank(c) && Count(at) >= at.flags) return at;
  }
  if (c == '\n') return Go(at, kFence);
  if (at.state == kFence && IsBlank(c)) return at;
  if (at.state == kFence && c == tick) return With(Go(at, kFenceTicks), 1);
  return Go(at, kFenceText);
}

Context InHtml(Context at, char c) {
  if (at.state == kTag) {
    // `<!--` begins a comment; the counter tells how much of it has been read.
    constexpr std::string_view kOpen = "!--";
    const uint64_t read = Count(at);
    if (read < kOpen.size() && c == kOpen[read]) {
      return read + 1 == kOpen.size() ? With(Go(at, kComment), 0) : With(at, read + 1);
    }
    if (c == '\n') return NewLine(false);
    // Only `<` and a letter or a slash begin a tag.
    if (read == 0 && !IsAlpha(c) && c != '/') return InText(Go(at, kText), c);
    if (c == '>') return With(Go(at, kText), 0);
    return With(at, kOpen.size());
  }
  if (c == '>' && Count(at) >= 2) return With(Go(at, kText), 0);
  const uint64_t dashes = Count(at) < 2 ? Count(at) + 1 : 2;
  return With(at, c == '-' ? dashes : 0);
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kLine:
      return BeginLine(at, c);
    case kTicks:
    case kTildes:
      if (c == (at.state == kTicks ? '`' : '~')) {
        return With(at, Count(at) < kMostTicks ? Count(at) + 1 : Count(at));
      }
      at.flags = static_cast<uint8_t>(Count(at));
      return AfterTicks(at, c);
    case kCode:
    case kCodeTicks:
      return InCode(at, c);
    case kInfo:
      return c == '\n' ? Go(at, kFence) : at;
    case kFence:
    case kFenceText:
    case kFenceTicks:
      return InFence(at, c);
    case kTarget:
      if (c == '\n') return NewLine(false);
      return c == ')' ? Go(at, kText) : at;
    case kTag:
    case kComment:
      return InHtml(at, c);
    case kIndented:
      return c == '\n' ? NewLine(true) : at;
    default:
      return InText(at, c);
  }
}

Context AfterHole(Context at) {
  switch (at.state) {
    case kLine:
      if (MayBeCode(at)) return Go(at, kIndented);
      at.indent = 0;
      at.nesting = 0;
      return Go(at, kText);
    case kBracket:
    case kText:
      return Go(at, kText);
    case kTicks:
      at.flags = static_cast<uint8_t>(Count(at));
      at = AfterTicks(at, 'x');
      return at;
    case kCode:
    case kCodeTicks:
      return With(Go(at, kCode), 0);
    case kFence:
    case kFenceTicks:
      return Go(at, kFenceText);
    default:
      return at;
  }
}

void AppendEntity(char32_t code, std::string& out) {
  const std::string digits = std::to_string(static_cast<uint32_t>(code));
  ((out += "&#") += digits) += ';';
}

bool IsWordByte(char c) { return IsAlnum(c) || static_cast<unsigned char>(c) >= 0x80; }

// Whether the character at `i` would mean something in running text if it stood there bare.
bool MeansSomething(std::string_view value, size_t i) {
  const char c = value[i];
  if (std::string_view("\\`*[]<|~#$").contains(c)) return true;
  const bool first = i == 0;
  const bool last = i + 1 == value.size();
  if (c == '&') return last || IsAlpha(value[i + 1]) || value[i + 1] == '#';
  if (c == '_') return first || last || !IsWordByte(value[i - 1]) || !IsWordByte(value[i + 1]);
  // Lists, rules, headings and rows of tables are seen by what begins a line.
  if (std::string_view("-+=:>").contains(c)) return first;
  if (c == '!') return last;  // an image, if a bracket follows
  if (c != '.' && c != ')') return false;
  const bool numbered =
      i > 0 && value.substr(0, i).find_first_not_of("0123456789") == std::string_view::npos;
  return numbered && (last || IsBlank(value[i + 1]));
}

std::string_view WriteText(std::string_view value, Context, std::string& out) {
  if (HasNul(value)) return kNulRefused;
  if (FindInvalidUtf8(value) != std::string_view::npos) return "Markdown is UTF-8, and this is not";
  if (HasControl(value, "\t\n\r")) return kControlInDocument;
  if (value.empty() && !out.empty() && (out.back() == '*' || out.back() == '_')) {
    return "nothing between asterisks would make a rule of them";
  }
  for (size_t i = 0; i < value.size();) {
    const Character c = FirstCharacter(value.substr(i));
    const bool outer = i == 0 || i + c.size == value.size();
    if (IsControl(c.code) || IsInvisible(c.code) || c.code == 0xA0 || (outer && c.code == ' ')) {
      AppendEntity(c.code, out);
    } else {
      if (MeansSomething(value, i)) out += '\\';
      out += value.substr(i, c.size);
    }
    i += c.size;
  }
  return {};
}

template <bool table>
std::string_view WriteInCode(std::string_view value, Context, std::string& out) {
  if (const auto why = NotTrimmedLine(value); !why.empty()) return why;
  if (HasControl(value, "\t")) return kControlInDocument;
  if (value.empty()) return "a span of code cannot be empty";
  if (value.find('`') != std::string_view::npos) return "a backquote would end the span of code";
  if (table && value.find('|') != std::string_view::npos) {
    return "in a table a bar ends the cell, even inside of code";
  }
  out += value;
  return {};
}

std::string_view WriteInFence(std::string_view value, Context at, std::string& out) {
  if (HasNul(value)) return kNulRefused;
  if (HasControl(value, "\t\n")) return kControlInDocument;
  while (true) {
    const size_t end = value.find('\n');
    const std::string_view line = value.substr(0, end);
    const std::string_view text = Trim(line);
    if (text.starts_with("```") || text.starts_with("~~~")) {
      return "a line of it would end the block of code";
    }
    out += line;
    if (end == std::string_view::npos) return {};
    out += '\n';
    value.remove_prefix(end + 1);
    out.append(at.indent, ' ');
  }
}

Fit AdmitCode(Context at, ValueClass value) {
  if (value != ValueClass::kText) return Write(WriteBare);
  return Write(at.nesting & kTable ? WriteInCode<true> : WriteInCode<false>);
}

Fit Admit(Context at, ValueClass value) {
  const bool text = value == ValueClass::kText;
  if (at.nesting & kEscaped) return Refuse("the backslash before it would change what it means");
  if (MayBeCode(at)) {
    return text ? Refuse("this could be a block of code: use a fence") : Write(WriteBare);
  }
  switch (at.state) {
    case kLine:
    case kText:
    case kBracket:
      return Write(WriteText);
    case kTicks:
      if (at.nesting & kLineBegins && Count(at) >= 3) {
        return text ? Refuse("the word behind a fence is an atom") : Write(WriteBare);
      }
      return AdmitCode(at, value);
    case kCode:
      return AdmitCode(at, value);
    case kFence:
    case kFenceText:
      return Write(text ? WriteInFence : WriteBare);
    case kTarget:
      return text ? Refuse("the target of a link is an atom") : Write(WriteBare);
    case kTag:
    case kComment:
      return text ? Refuse("in HTML only atoms stand") : Write(WriteBare);
    case kTildes:
    case kInfo:
      return text ? Refuse("the word behind a fence is an atom") : Write(WriteBare);
    default:
      return Refuse("a value must not touch backquotes that may end something");
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kTicks:
    case kCode:
    case kCodeTicks:
      return "in a span of code";
    case kTarget:
      return "in the target of a link";
    case kTildes:
    case kInfo:
      return "behind the opening of a fence";
    case kFence:
    case kFenceText:
    case kFenceTicks:
    case kIndented:
      return "in a block of code";
    case kTag:
    case kComment:
      return "in HTML";
    default:
      return "in running text";
  }
}

bool MayEnd(Context at) {
  switch (at.state) {
    case kFence:
    case kFenceText:
    case kInfo:
    case kCode:
    case kComment:
      return false;
    default:
      return true;
  }
}

constexpr Language kMarkdown = {
    .name = "markdown",
    .comment = {},
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Markdown() { return kMarkdown; }

}  // namespace kb::lang
