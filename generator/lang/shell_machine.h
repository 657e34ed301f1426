// ShellMachine: the reader's inside, which two files share: characters, and what they open and
// close.
#pragma once

#include <array>
#include <string_view>

#include "lang/shell_reader.h"
#include "lang/shell_words.h"

namespace kb::lang::shell {

// Frames in which the text is not split into words.
constexpr bool IsInner(Frame frame) {
  return frame >= Frame::kSingle && frame <= Frame::kArithmeticInner;
}

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

  void SkipQuiet();
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

}  // namespace kb::lang::shell
