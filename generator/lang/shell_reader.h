// ShellReader: follows a bash script, character by character, so that it is known at each point
// what a word that stands there would mean.
#pragma once

#include <array>
#include <string_view>

#include "lang/language.h"

namespace kb::lang::shell {

enum State : uint8_t {
  kCommand,      // where the name of a command is due
  kSemicolon,    // the same, right behind `;`: another one ends a branch of `case`
  kAmpersand,    // the same, right behind `&`: `>` makes it a redirection
  kGroup,        // the same, right behind `(`: another one makes it arithmetic
  kCommandName,  // in a word there that may still turn out to be an assignment
  kCommandWord,  // in a word there that will not
  kSubscript,    // in `name[…` there
  kArg,          // where an argument may begin
  kWord,         // in an argument, in the value of an assignment, in a redirection's target
  kTarget,       // where a redirection's target is due
  kRedirect,     // the same, right behind `<` or `>`
  kHere,         // right behind `<<`, where the text was cut
  kDuplicate,    // behind `>&` or `<&`
  kPattern,      // where a pattern of `case` may begin
  kPatternWord,  // in one
  kComment,
  kPatternComment,
  kInner,  // in what the innermost frame says: quotes, ${…}, arithmetic
  // From here on nothing is known any more.
  kLostHere,
  kLostDepth,
  kLostNumber,
  kLostQuote,
  kLostBackquote,
};

enum Flag : uint8_t {
  kEscaped = 1,     // behind a backslash
  kDollar = 2,      // behind a `$`
  kVariable = 4,    // in the name of a `$name`
  kDashDash = 8,    // the command's options are over
  kBracket = 16,    // in a word, behind `[` or `{` that is still open
  kNumber = 32,     // in a word of nothing but holes and digits: `>` would make it a descriptor
  kBefore = 64,     // in a word that stands before the command's name
  kEvaluated = 128  // the command reads its arguments as a program, or hands them to another shell
};

// What is open around the current place. A frame remembers what to go back to.
enum class Frame : uint8_t {
  kNone,
  kSingle,
  kAnsi,
  kDouble,
  kParameter,
  kArithmetic,
  kArithmeticInner,
  kSubstitution,
  kBackquote,
  kSubshell,
  kFunction,
  kArray,
  kCaseHead,
  kCase,
  kTest,
  kTestRegex
};

// What a frame interrupts.
enum class Resume : uint8_t {
  kCommand,
  kCommandWord,
  kSubscript,
  kPattern,
  kBefore,
  kArg,
  kArgDashed,
  kArgEvaluated
};

// Bits of `nesting`, a level: four of Frame, three of Resume, one of kBracket, one of kTargetBit.
constexpr int kLevelBits = 9;
constexpr int kLevelsMax = 64 / kLevelBits;

// `indent` holds how much of a reserved word has been read, and whether the word is the target of a
// redirection, where a leading dash is no option.
constexpr uint16_t kTargetBit = 1 << 15;

inline Frame Top(Context at) { return static_cast<Frame>(at.nesting & 15); }
Frame Below(Context at);  // the frame around Top
Resume TopResume(Context at);
bool IsOpen(Context at, Frame frame);  // on any level
inline bool IsLost(Context at) { return at.state >= kLostHere; }

Context Advance(Context at, std::string_view literal);
Context AfterHole(Context at);

}  // namespace kb::lang::shell
