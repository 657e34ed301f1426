#include "lang/shell_reader.h"

#include <algorithm>

#include "base/strings.h"
#include "lang/shell_machine.h"

namespace kb::lang::shell {
namespace {

bool IsNameStart(char c) { return IsAlpha(c) || c == '_'; }
bool IsNameChar(char c) { return IsAlnum(c) || c == '_'; }

bool EndsDelimiter(char c) { return std::string_view(" \t\n;&|()<>").contains(c); }

bool IsDelimiter(std::string_view line, std::string_view delimiter) {
  size_t at = 0;
  for (char c : delimiter) {
    if (c == '\'' || c == '"' || c == '\\') continue;
    if (at == line.size() || line[at++] != c) return false;
  }
  return at == line.size();
}

}  // namespace

Context Reader::Read(std::string_view text) {
  text_ = text;
  for (pos_ = 0; pos_ < text_.size() && !IsLost(at_); ++pos_) {
    SkipQuiet();
    if (pos_ < text_.size()) Step(text_[pos_]);
  }
  if (here_count_ > 0) Lose(kLostHere);
  return at_;
}

// Most of a script is comments and the insides of words, where nothing can change for a while.
void Reader::SkipQuiet() {
  if (at_.state == kComment) {
    pos_ = std::min(text_.find('\n', pos_), text_.size());
  } else if ((at_.state == kWord || at_.state == kCommandWord || at_.state == kInner) &&
             at_.flags == (at_.flags & (kDashDash | kEvaluated | kBefore)) && progress() == 0) {
    while (pos_ < text_.size() && (IsAlnum(text_[pos_]) || text_[pos_] == '-')) ++pos_;
  }
}

Context Reader::Hole() {
  const bool whole = AtWordStart() || at_.state == kRedirect || at_.state == kDuplicate;
  const bool digits = at_.state == kWord && progress() == kDigits;
  if (at_.state != kComment && at_.state != kPatternComment && at_.state != kInner) {
    if (at_.state != kWord && at_.state != kPatternWord) StartWord();
    SetProgress(0);
  }
  if ((whole || digits) && at_.state == kWord) Set(kNumber);
  return at_;
}

void Reader::Step(char c) {
  if (Has(kEscaped)) return EscapedChar(c);
  switch (Top(at_)) {
    case Frame::kSingle:
      if (c == '\'') Pop();
      return;
    case Frame::kAnsi:
      if (c == '\\') Set(kEscaped);
      if (c == '\'') Pop();
      return;
    case Frame::kDouble:
    case Frame::kParameter:
    case Frame::kArithmetic:
    case Frame::kArithmeticInner:
      return InInner(c);
    default:
      return Unquoted(c);
  }
}

void Reader::EscapedChar(char c) {
  Clear(kEscaped);
  // A backslash at the end of a line joins it with the next: nothing was written.
  if (at_.state == kInner || c == '\n') return;
  StartWord();
}

// What follows a `$`, and the rest of a `$name`.
bool Reader::TakenByDollar(char c) {
  if (Has(kDollar)) {
    Clear(kDollar);
    if (c == '(') return PushCommands(Frame::kSubstitution, kGroup), true;
    if (c == '{') return Push(Frame::kParameter), true;
    if (IsNameStart(c)) return Set(kVariable), true;
    if (IsDigit(c) || std::string_view("?#*@!-$").contains(c)) return true;
    if (c == '\'' && at_.state != kInner) return Push(Frame::kAnsi), true;
  }
  if (Has(kVariable)) {
    if (IsNameChar(c)) return true;
    Clear(kVariable);
  }
  if (c != '$') return false;
  if (at_.state != kInner) StartWord();
  Set(kDollar);
  return true;
}

void Reader::InInner(char c) {
  if (TakenByDollar(c)) return;
  const Frame top = Top(at_);
  const bool arithmetic = top == Frame::kArithmetic || top == Frame::kArithmeticInner;
  switch (c) {
    case '\\':
      return Set(kEscaped);
    case '`':
      return BackquoteChar();
    case '"':
      return top == Frame::kDouble ? Pop() : Push(Frame::kDouble);
    case '}':
      if (top == Frame::kParameter) Pop();
      return;
    case '(':
      if (arithmetic) Push(Frame::kArithmeticInner);
      return;
    case ')':
      if (arithmetic) Pop();
      return;
    case '\'':
      if (top != Frame::kParameter) return;
      // Whether a single quote quotes inside "${…}" depends on the operator: nobody should guess.
      return InDoubleQuotes() ? Lose(kLostQuote) : Push(Frame::kSingle);
    default:
      return;
  }
}

// Through `${…}` and arithmetic, but not through a substitution, which begins afresh.
bool Reader::InDoubleQuotes() const {
  for (Context at = at_; IsInner(Top(at)); at.nesting >>= kLevelBits) {
    if (Top(at) == Frame::kDouble) return true;
  }
  return false;
}

void Reader::Unquoted(char c) {
  if (at_.state == kComment || at_.state == kPatternComment) return c == '\n' ? Newline() : void();
  if (Has(kNumber)) {
    if (c == '<' || c == '>') return Lose(kLostNumber);
    if (!IsDigit(c)) Clear(kNumber);
  }
  if (at_.state == kHere) {
    at_.state = kTarget;
    return c == '<' ? void() : Lose(kLostHere);
  }
  if (TakenByDollar(c)) return;
  switch (c) {
    case '\\':
      return Set(kEscaped);
    case '\'':
      return StartWord(), Push(Frame::kSingle);
    case '"':
      return StartWord(), Push(Frame::kDouble);
    case '`':
      return BackquoteChar();
    case ' ':
    case '\t':
      return Blank();
    case '\n':
      return Newline();
    case ';':
    case '&':
    case '|':
      return Separator(c);
    case '<':
    case '>':
      return Redirect(c);
    case '(':
      return OpenParen();
    case ')':
      return CloseParen();
    case '#':
      if (AtWordStart()) {
        at_.state = at_.state == kPattern ? kPatternComment : kComment;
        return;
      }
      return WordChar(c);
    default:
      return WordChar(c);
  }
}

void Reader::Blank() {
  EndWord();
  if (AtCommand()) at_.state = kCommand;
  if (at_.state == kRedirect) at_.state = kTarget;
}

void Reader::Newline() {
  EndWord();
  const bool pattern = at_.state == kPattern || at_.state == kPatternComment;
  if (Is(Frame::kArray) || InTest() || Is(Frame::kCaseHead)) {
    at_.state = kArg;
  } else if (pattern && Is(Frame::kCase)) {
    at_.state = kPattern;
  } else {
    NewCommand(kCommand);
  }
  if (here_count_ > 0) SkipHereDocuments();
}

void Reader::Separator(char c) {
  EndWord();
  const uint8_t was = at_.state;
  if (was == kRedirect && c != ';') {
    at_.state = c == '&' ? kDuplicate : kTarget;
  } else if (InTest() || Is(Frame::kArray)) {
    if (Is(Frame::kTestRegex) && c == '&') Replace(Frame::kTest);
    at_.state = kArg;
  } else if (was == kPattern || (was == kSemicolon && c != '|' && Is(Frame::kCase))) {
    NewCommand(kPattern);
  } else if (c == ';') {
    NewCommand(kSemicolon);
  } else {
    NewCommand(c == '&' && was != kAmpersand ? kAmpersand : kCommand);
  }
}

void Reader::Redirect(char c) {
  const bool descriptor = at_.state == kCommandWord && progress() == kDigits;
  if (descriptor) NewCommand(kCommand);
  EndWord();
  if (InTest()) {
    at_.state = kArg;
  } else if (at_.state == kRedirect) {
    if (c == '<') HereOperator();
  } else {
    if (AtCommand() && at_.state != kAmpersand) Set(kBefore);
    at_.state = kRedirect;
  }
}

// The part of `<<` that can be read in one stretch: the delimiter. The body follows the line.
void Reader::HereOperator() {
  size_t at = pos_ + 1;
  if (at == text_.size()) {
    at_.state = kHere;
    return;
  }
  if (at < text_.size() && text_[at] == '<') {
    pos_ = at;
    at_.state = kTarget;
    return;
  }
  const bool strip_tabs = at < text_.size() && text_[at] == '-';
  if (strip_tabs) ++at;
  while (at < text_.size() && (text_[at] == ' ' || text_[at] == '\t')) ++at;
  const size_t begin = at;
  while (at < text_.size() && !EndsDelimiter(text_[at])) ++at;
  if (at == text_.size() || at == begin || here_count_ == here_.size()) return Lose(kLostHere);
  here_[here_count_++] = {text_.substr(begin, at - begin), strip_tabs};
  pos_ = at - 1;
  at_.state = kArg;
  if (Has(kBefore)) NewCommand(kCommand);
}

void Reader::SkipHereDocuments() {
  for (size_t i = 0; i < here_count_; ++i) {
    for (bool ended = false; !ended;) {
      const size_t begin = pos_ + 1;
      const size_t end = text_.find('\n', begin);
      if (end == std::string_view::npos) return Lose(kLostHere);
      std::string_view line = text_.substr(begin, end - begin);
      while (here_[i].strip_tabs && line.starts_with('\t')) line.remove_prefix(1);
      ended = IsDelimiter(line, here_[i].delimiter);
      pos_ = end;
    }
  }
  here_count_ = 0;
}

void Reader::OpenParen() {
  switch (at_.state) {
    case kRedirect:
      StartWord();
      return PushCommands(Frame::kSubstitution, kCommand);
    case kGroup:
      Replace(Frame::kArithmetic);
      at_.state = kInner;
      return Push(Frame::kArithmeticInner);
    case kCommand:
    case kSemicolon:
    case kAmpersand:
      return PushCommands(Frame::kSubshell, kGroup);
    case kPattern:
      return;  // `(a)` is the same as `a)`
    case kWord:
    case kPatternWord:
      if (InTest()) return;
      return PushCommands(Frame::kArray, kArg);
    default:
      if (InTest()) return;
      NewCommand(kCommand);
      return PushCommands(Frame::kFunction, kGroup);
  }
}

void Reader::CloseParen() {
  EndWord();
  switch (Top(at_)) {
    case Frame::kSubstitution:
    case Frame::kSubshell:
    case Frame::kFunction:
    case Frame::kArray:
      return Pop();
    case Frame::kTest:
    case Frame::kTestRegex:
      at_.state = kArg;
      return;
    default:
      return NewCommand(kCommand);
  }
}

void Reader::BackquoteChar() {
  if (Is(Frame::kBackquote)) {
    EndWord();
    return Pop();
  }
  if (IsOpen(at_, Frame::kBackquote)) return Lose(kLostBackquote);
  if (at_.state != kInner) StartWord();
  PushCommands(Frame::kBackquote, kCommand);
}

void Reader::WordChar(char c) {
  const bool starts = AtWordStart() || at_.state == kRedirect || at_.state == kDuplicate;
  const bool names_command = AtCommand();
  const uint8_t was = at_.state;
  const uint16_t before = progress();
  if (was != kSubscript) StartWord();

  if (was != kSubscript) SetProgress(starts ? BeginWord(c) : ContinueWord(before, c));

  if (names_command && IsNameStart(c)) at_.state = kCommandName;
  if (was == kCommandName) {
    if (IsNameChar(c) || c == '+') at_.state = kCommandName;
    if (c == '[') at_.state = kSubscript;
    if (c == '=') {
      at_.state = kWord;
      Set(kBefore);
    }
  }
  if (was == kSubscript && c == ']') at_.state = kCommandName;
  if (at_.state == kWord || at_.state == kPatternWord) {
    if (c == '[' || c == '{') Set(kBracket);
    if (c == ']' || c == '}') Clear(kBracket);
  }
}

Context Advance(Context at, std::string_view literal) { return Reader(at).Read(literal); }
Context AfterHole(Context at) { return Reader(at).Hole(); }

}  // namespace kb::lang::shell
