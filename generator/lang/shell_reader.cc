#include "lang/shell_reader.h"

#include "base/strings.h"

namespace kb::lang::shell {
namespace {

// Words that change what the next word means.
enum class Effect : uint8_t {
  kNone,
  kCommandNext,
  kCase,
  kEsac,
  kTest,
  kTestEnd,
  kMatch,
  kIn,
  kDashes,
  kEvaluates
};

struct ReservedWord {
  std::string_view word;
  Effect effect;
};

constexpr ReservedWord kWords[] = {
    {"if", Effect::kCommandNext},
    {"then", Effect::kCommandNext},
    {"else", Effect::kCommandNext},
    {"elif", Effect::kCommandNext},
    {"fi", Effect::kCommandNext},
    {"while", Effect::kCommandNext},
    {"until", Effect::kCommandNext},
    {"do", Effect::kCommandNext},
    {"done", Effect::kCommandNext},
    {"!", Effect::kCommandNext},
    {"{", Effect::kCommandNext},
    {"}", Effect::kCommandNext},
    {"time", Effect::kCommandNext},
    {"coproc", Effect::kCommandNext},
    {"exec", Effect::kCommandNext},
    {"command", Effect::kCommandNext},
    {"builtin", Effect::kCommandNext},
    {"case", Effect::kCase},
    {"esac", Effect::kEsac},
    {"[[", Effect::kTest},
    {"]]", Effect::kTestEnd},
    {"=~", Effect::kMatch},
    {"in", Effect::kIn},
    {"--", Effect::kDashes},
    {"eval", Effect::kEvaluates},
    {"trap", Effect::kEvaluates},
    {"ssh", Effect::kEvaluates},
    {"bash", Effect::kEvaluates},
    {"sh", Effect::kEvaluates},
    {"su", Effect::kEvaluates},
    {"let", Effect::kEvaluates},
    {"alias", Effect::kEvaluates},
};

// How much of a reserved word has been read: 1 + its row, times sixteen, plus the length; so that
// advancing over "th" and then "en" is the same as advancing over "then". 0: it is no such word.
constexpr uint16_t kProgressMask = 0x3FF;
constexpr uint16_t kDigits = 0x3FF;  // a word of digits alone, which `>` turns into a descriptor

uint16_t ProgressOf(std::string_view prefix, char next) {
  for (size_t row = 0; row < std::size(kWords); ++row) {
    const std::string_view word = kWords[row].word;
    if (word.size() > prefix.size() && word.starts_with(prefix) && word[prefix.size()] == next) {
      return static_cast<uint16_t>((row + 1) << 4 | (prefix.size() + 1));
    }
  }
  return 0;
}

std::string_view PrefixOf(uint16_t progress) {
  if (progress == 0 || progress == kDigits) return {};
  return kWords[(progress >> 4) - 1].word.substr(0, progress & 15);
}

Effect EffectOf(uint16_t progress) {
  if (progress == 0 || progress == kDigits) return Effect::kNone;
  // A longer word may have been found first: `do` is also the beginning of `done`.
  const std::string_view read = PrefixOf(progress);
  for (const ReservedWord& row : kWords) {
    if (row.word == read) return row.effect;
  }
  return Effect::kNone;
}

bool IsNameStart(char c) { return IsAlpha(c) || c == '_'; }
bool IsNameChar(char c) { return IsAlnum(c) || c == '_'; }

bool EndsDelimiter(char c) { return std::string_view(" \t\n;&|()<>").contains(c); }

// Frames in which the text is not split into words.
bool IsInner(Frame frame) { return frame >= Frame::kSingle && frame <= Frame::kArithmeticInner; }

class Reader {
 public:
  explicit Reader(Context at) : at_(at) {}
  Context Read(std::string_view text);
  Context Hole();

 private:
  struct HereDocument {
    std::string_view delimiter;  // as written, with its quotes
    bool strip_tabs = false;
  };

  void Step(char c);
  void InInner(char c);
  void Unquoted(char c);
  void EscapedChar(char c);
  bool TakenByDollar(char c);

  void Blank();
  void Newline();
  void Separator(char c);
  void Redirect(char c);
  void OpenParen();
  void CloseParen();
  void BackquoteChar();
  void WordChar(char c);

  void HereOperator();
  void SkipHereDocuments();

  void StartWord();
  void EndWord();
  void EndCommandWord();
  void EndArgument();
  void NewCommand(State state);

  void Push(Frame frame);
  void PushCommands(Frame frame, State state);
  void Pop();
  void Drop() { at_.nesting >>= kLevelBits; }
  void Replace(Frame frame) {
    at_.nesting = (at_.nesting & ~uint64_t{15}) | static_cast<uint64_t>(frame);
  }
  Resume ResumePoint() const;
  void Restore(Resume resume);

  bool Has(Flag flag) const { return (at_.flags & flag) != 0; }
  void Set(int flags) { at_.flags = static_cast<uint8_t>(at_.flags | flags); }
  void Clear(int flags) { at_.flags = static_cast<uint8_t>(at_.flags & ~flags); }
  bool Is(Frame frame) const { return Top(at_) == frame; }
  bool InDoubleQuotes() const;
  bool InTest() const { return Is(Frame::kTest) || Is(Frame::kTestRegex); }
  bool AtCommand() const { return at_.state <= kGroup; }
  bool AtWordStart() const {
    return AtCommand() || at_.state == kArg || at_.state == kPattern || at_.state == kTarget;
  }
  uint16_t progress() const { return at_.indent & kProgressMask; }
  void SetProgress(uint16_t progress) {
    at_.indent = static_cast<uint16_t>((at_.indent & kTargetBit) | progress);
  }
  void Lose(State how) { at_ = {.state = how}; }

  Context at_;
  std::string_view text_;
  size_t pos_ = 0;
  std::array<HereDocument, 4> here_ = {};
  size_t here_count_ = 0;
};

Context Reader::Read(std::string_view text) {
  text_ = text;
  for (pos_ = 0; pos_ < text_.size() && !IsLost(at_); ++pos_) Step(text_[pos_]);
  if (here_count_ > 0) Lose(kLostHere);
  return at_;
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

bool IsDelimiter(std::string_view line, std::string_view delimiter) {
  size_t at = 0;
  for (char c : delimiter) {
    if (c == '\'' || c == '"' || c == '\\') continue;
    if (at == line.size() || line[at++] != c) return false;
  }
  return at == line.size();
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

  if (IsDigit(c) && (starts || before == kDigits)) {
    SetProgress(kDigits);
  } else if (starts || (before != 0 && before != kDigits)) {
    SetProgress(ProgressOf(starts ? std::string_view{} : PrefixOf(before), c));
  }

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

void Reader::StartWord() {
  switch (at_.state) {
    case kCommand:
    case kSemicolon:
    case kAmpersand:
    case kGroup:
    case kCommandName:
      at_.state = kCommandWord;
      break;
    case kTarget:
    case kRedirect:
    case kDuplicate:
      at_.state = kWord;
      at_.indent |= kTargetBit;
      break;
    case kArg:
      at_.state = kWord;
      break;
    case kPattern:
      at_.state = kPatternWord;
      break;
    default:
      break;
  }
  SetProgress(0);
}

void Reader::EndWord() {
  if (at_.state >= kCommandName && at_.state <= kSubscript) {
    EndCommandWord();
  } else if (at_.state == kWord) {
    EndArgument();
  } else if (at_.state == kPatternWord) {
    at_.state = kPattern;
    if (EffectOf(progress()) == Effect::kEsac && Is(Frame::kCase)) {
      Drop();
      NewCommand(kCommand);
    }
  }
  at_.indent = 0;
  Clear(kBracket | kNumber);
}

void Reader::EndCommandWord() {
  switch (EffectOf(progress())) {
    case Effect::kCommandNext:
      return NewCommand(kCommand);
    case Effect::kCase:
      at_.state = kArg;
      return Push(Frame::kCaseHead);
    case Effect::kTest:
      at_.state = kArg;
      return Push(Frame::kTest);
    case Effect::kEsac:
      if (Is(Frame::kCase)) Drop();
      return NewCommand(kCommand);
    case Effect::kEvaluates:
      at_.state = kArg;
      return Set(kEvaluated);
    default:
      at_.state = kArg;
  }
}

void Reader::EndArgument() {
  if (Has(kBefore)) return NewCommand(kCommand);
  at_.state = kArg;
  if (at_.indent & kTargetBit) return;
  switch (EffectOf(progress())) {
    case Effect::kIn:
      if (!Is(Frame::kCaseHead)) return;
      Replace(Frame::kCase);
      at_.state = kPattern;
      return;
    case Effect::kTestEnd:
      if (!InTest()) return;
      Drop();
      return NewCommand(kCommand);
    case Effect::kMatch:
      if (Is(Frame::kTest)) Replace(Frame::kTestRegex);
      return;
    case Effect::kDashes:
      return Set(kDashDash);
    default:
      return;
  }
}

void Reader::NewCommand(State state) {
  at_.state = state;
  at_.indent = 0;
  at_.flags = 0;
}

void Reader::Push(Frame frame) {
  if (at_.nesting >> (kLevelBits * (kLevelsMax - 1)) != 0) return Lose(kLostDepth);
  const uint64_t level = static_cast<uint64_t>(frame) | static_cast<uint64_t>(ResumePoint()) << 4 |
                         uint64_t{Has(kBracket)} << 7 |
                         uint64_t{(at_.indent & kTargetBit) != 0} << 8;
  at_.nesting = at_.nesting << kLevelBits | level;
  if (IsInner(frame)) at_.state = kInner;
}

void Reader::PushCommands(Frame frame, State state) {
  Push(frame);
  if (!IsLost(at_)) NewCommand(state);
}

void Reader::Pop() {
  const uint64_t level = at_.nesting;
  Drop();
  NewCommand(kInner);
  if (IsInner(Top(at_))) return;
  Restore(static_cast<Resume>(level >> 4 & 7));
  if (level >> 7 & 1) Set(kBracket);
  if (level >> 8 & 1) at_.indent |= kTargetBit;
}

Resume Reader::ResumePoint() const {
  switch (at_.state) {
    case kCommandName:
    case kCommandWord:
      return Resume::kCommandWord;
    case kSubscript:
      return Resume::kSubscript;
    case kPattern:
    case kPatternWord:
      return Resume::kPattern;
    case kArg:
    case kWord:
      if (Has(kBefore)) return Resume::kBefore;
      if (Has(kEvaluated)) return Resume::kArgEvaluated;
      return Has(kDashDash) ? Resume::kArgDashed : Resume::kArg;
    default:
      return Resume::kCommand;
  }
}

void Reader::Restore(Resume resume) {
  switch (resume) {
    case Resume::kCommand:
      at_.state = kCommand;
      return;
    case Resume::kCommandWord:
      at_.state = kCommandWord;
      return;
    case Resume::kSubscript:
      at_.state = kSubscript;
      return;
    case Resume::kPattern:
      at_.state = kPatternWord;
      return;
    case Resume::kBefore:
      at_.state = kWord;
      return Set(kBefore);
    case Resume::kArg:
      at_.state = kWord;
      return;
    case Resume::kArgDashed:
      at_.state = kWord;
      return Set(kDashDash);
    case Resume::kArgEvaluated:
      at_.state = kWord;
      return Set(kEvaluated);
  }
}

}  // namespace

Frame Top(Context at) { return static_cast<Frame>(at.nesting & 15); }
Frame Below(Context at) { return static_cast<Frame>(at.nesting >> kLevelBits & 15); }
Resume TopResume(Context at) { return static_cast<Resume>(at.nesting >> 4 & 7); }
bool IsLost(Context at) { return at.state >= kLostHere; }

bool IsOpen(Context at, Frame frame) {
  for (; at.nesting != 0; at.nesting >>= kLevelBits) {
    if (Top(at) == frame) return true;
  }
  return false;
}

Context Advance(Context at, std::string_view literal) { return Reader(at).Read(literal); }
Context AfterHole(Context at) { return Reader(at).Hole(); }

}  // namespace kb::lang::shell
