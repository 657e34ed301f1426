#include "lang/shell_machine.h"

// Words that end, and frames that open and close.
namespace kb::lang::shell {

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

Frame Below(Context at) { return static_cast<Frame>(at.nesting >> kLevelBits & 15); }
Resume TopResume(Context at) { return static_cast<Resume>(at.nesting >> 4 & 7); }

bool IsOpen(Context at, Frame frame) {
  for (; at.nesting != 0; at.nesting >>= kLevelBits) {
    if (Top(at) == frame) return true;
  }
  return false;
}

}  // namespace kb::lang::shell
