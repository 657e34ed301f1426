// YamlReader: follows a YAML text, character by character, so that it is known at each point what
// a value that stands there would mean. One line of block structure, flow brackets, three kinds of
// scalars; what kbgen's templates have no need of (directives, complex keys) is refused.
#pragma once

#include <cstdint>
#include <string_view>

#include "lang/language.h"

namespace kb::lang::yaml {

enum State : uint8_t {
  kIndent,       // in the blanks that begin a line
  kDash,         // behind a dash that may begin an item
  kMarker,       // in `---`
  kItem,         // behind `- `: any node
  kValue,        // behind `key: `
  kProperty,     // in a tag, an anchor or an alias
  kKeyHole,      // behind a hole that began a line
  kKeyColon,     // behind the colon of it
  kItemHole,     // behind a hole that is a whole item or value
  kItemColon,    // behind a colon right there
  kPlain,        // in a plain scalar
  kPlainColon,   // there, behind a colon
  kPlainBlank,   // there, behind a blank
  kSingle,       // in '…'
  kSingleQuote,  // there, behind a quote that ends it unless another follows
  kDouble,       // in "…"
  kDoubleEscape,
  kDoubleHex,  // in \xHH: `flags` digits are due
  kQuoted,     // behind a quoted scalar
  kQuotedColon,
  kAfter,        // where only a comment or the line's end may follow
  kHeader,       // in `|` or `>` and what modifies it
  kBlockIndent,  // in the blanks that begin a line of a block scalar
  kBlockText,
  kComment,
  kFlowItem,  // in [ ] or { }: where an item may begin
  kFlowPlain,
  kFlowColon,
  kFlowBlank,
  kFlowHole,   // behind a hole that is an item
  kFlowAfter,  // behind a quoted scalar or a closing bracket
  kFlowComment,
  kBroken,  // `flags` is a Reason
};

// What begins a plain scalar decides what a reader could take the whole of it for.
enum PlainFlag : uint8_t {
  kNumber,  // a digit, sign or point: a number, a date
  kWord,    // letters that `null`, `true`, `no`, `off` begin with, and nothing but letters
  kString,  // certainly a string
};

enum BlockFlag : uint8_t { kFolded = 1, kKeep = 2, kHeaderComment = 4 };

enum Reason : uint8_t {
  kTooDeep,
  kGlued,
  kHoleKey,
  kComplexKey,
  kTabIndent,
  kRootBlock,
  kBlockDigit,
  kReserved,
  kBehindMarker,
  kFlowProperty,
  kFlowHash,
  kUnbalanced,
};

// Columns and brackets, in the bytes of Context::nesting.
struct Layout {
  uint8_t column = 0;  // where the current node begins
  uint8_t parent = 0;  // where the structure that it belongs to begins
  uint8_t block = 0;   // the indentation of a block scalar's text; 0: not known yet
  uint8_t depth = 0;   // open brackets
};
Layout LayoutOf(Context at);

Context Advance(Context at, std::string_view literal);
Context AfterHole(Context at);

// Whether a line of a block scalar has ended the scalar, because it begins too far to the left.
bool LeftOfBlock(Context at);

}  // namespace kb::lang::yaml
