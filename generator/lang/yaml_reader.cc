#include "lang/yaml_reader.h"

#include "base/strings.h"
#include "lang/scan.h"

namespace kb::lang::yaml {
namespace {

constexpr uint8_t kColumnMax = 250;

Context Pack(Context at, Layout layout) {
  at.nesting = uint64_t{layout.column} | uint64_t{layout.parent} << 8 |
               uint64_t{layout.block} << 16 | uint64_t{layout.depth} << 24;
  return at;
}

Context Go(Context at, State state, uint8_t flags = 0) {
  at.state = state;
  at.flags = flags;
  return at;
}

Context Break(Reason reason) { return {.state = kBroken, .flags = reason}; }

Context NewLine() { return {.state = kIndent}; }

Context Right(Context at) {
  Layout layout = LayoutOf(at);
  if (layout.column >= kColumnMax) return Break(kTooDeep);
  ++layout.column;
  return Pack(at, layout);
}

// Where the readers differ in what they take for a special word (`y` is a boolean of YAML 1.1 for
// some), all of them count.
bool BeginsSpecialWord(char c) {
  return std::string_view("nNtTfFyYoO").find(c) != std::string_view::npos;
}

PlainFlag FirstOfPlain(char c) {
  if (IsDigit(c) || std::string_view("+-.~=<").find(c) != std::string_view::npos) return kNumber;
  return BeginsSpecialWord(c) ? kWord : kString;
}

uint8_t MoreOfPlain(uint8_t flags, char c) {
  return flags == kWord && !IsAlpha(c) ? uint8_t{kString} : flags;
}

Context OpenBracket(Context at) {
  Layout layout = LayoutOf(at);
  if (layout.depth >= kColumnMax) return Break(kTooDeep);
  ++layout.depth;
  return Go(Pack(at, layout), kFlowItem);
}

Context CloseBracket(Context at) {
  Layout layout = LayoutOf(at);
  if (layout.depth == 0) return Break(kUnbalanced);
  --layout.depth;
  return Go(Pack(at, layout), layout.depth == 0 ? kAfter : kFlowAfter);
}

Context BeginKeyValue(Context at) {
  Layout layout = LayoutOf(at);
  layout.parent = layout.column;
  return Go(Pack(at, layout), kValue);
}

// The first character of a node, behind blanks that have been counted.
Context BeginNode(Context at, char c) {
  switch (c) {
    case '\n':
      return NewLine();
    case '#':
      return Go(at, kComment);
    case '"':
      return Go(at, kDouble);
    case '\'':
      return Go(at, kSingle);
    case '[':
    case '{':
      return OpenBracket(at);
    case '&':
    case '*':
    case '!':
      return Go(at, kProperty, at.state == kValue ? 1 : 0);
    case '|':
    case '>':
      if (at.state == kIndent) return Break(kRootBlock);
      return Go(at, kHeader, c == '>' ? kFolded : 0);
    case '-':
      if (at.state != kValue) return Go(at, kDash);
      break;
    case '?':
      return Break(kComplexKey);
    case '@':
    case '`':
    case '%':
    case ',':
    case ']':
    case '}':
      return Break(kReserved);
    default:
      break;
  }
  return Go(at, kPlain, FirstOfPlain(c));
}

Context InDash(Context at, char c) {
  Layout layout = LayoutOf(at);
  if (c == '\n') return NewLine();
  if (c == ' ') {
    layout.parent = layout.column;
    layout.column = static_cast<uint8_t>(layout.column + 2);
    return layout.column >= kColumnMax ? Break(kTooDeep) : Go(Pack(at, layout), kItem);
  }
  if (c == '\t') return Break(kTabIndent);
  if (c == '-' && layout.column == 0) return Go(at, kMarker);
  return Go(at, kPlain, kNumber);
}

Context InPlain(Context at, char c) {
  if (c == '\n') return NewLine();
  if (c == ':') return Go(at, kPlainColon, at.flags);
  if (IsBlank(c)) return Go(at, kPlainBlank, MoreOfPlain(at.flags, c));
  if (at.state == kPlainBlank && c == '#') return Go(at, kComment);
  return Go(at, kPlain, MoreOfPlain(at.flags, c));
}

Context InPlainColon(Context at, char c) {
  if (c == '\n') return NewLine();
  if (IsBlank(c)) return BeginKeyValue(at);
  return InPlain(Go(at, kPlain, MoreOfPlain(at.flags, ':')), c);
}

Context EndQuoted(Context at) { return Go(at, LayoutOf(at).depth > 0 ? kFlowAfter : kQuoted); }

Context InDouble(Context at, char c) {
  switch (at.state) {
    case kDoubleEscape:
      if (c == 'x') return Go(at, kDoubleHex, 2);
      if (c == 'u') return Go(at, kDoubleHex, 4);
      if (c == 'U') return Go(at, kDoubleHex, 8);
      return Go(at, kDouble);
    case kDoubleHex:
      return at.flags > 1 ? Go(at, kDoubleHex, static_cast<uint8_t>(at.flags - 1))
                          : Go(at, kDouble);
    default:
      if (c == '\\') return Go(at, kDoubleEscape);
      return c == '"' ? EndQuoted(at) : at;
  }
}

// Behind what is complete: the line's end, a comment behind a blank; a colon makes it a key.
Context Behind(Context at, char c, State colon) {
  if (c == '\n') return NewLine();
  if (IsBlank(c)) return Go(at, kAfter);
  if (c == ':' && colon != kBroken) return Go(at, colon);
  return Break(kGlued);
}

Context InHeader(Context at, char c) {
  if (c == '\n') {
    at.indent = 0;
    Layout layout = LayoutOf(at);
    layout.column = 0;
    layout.block = 0;
    return Go(Pack(at, layout), kBlockIndent, at.flags & (kFolded | kKeep));
  }
  if (at.flags & kHeaderComment) return at;
  if (c == '+') return Go(at, kHeader, at.flags | kKeep);
  if (c == '#') return Go(at, kHeader, at.flags | kHeaderComment);
  if (c == '-' || IsBlank(c)) return at;
  return Break(IsDigit(c) ? kBlockDigit : kGlued);
}

Context Step(Context at, char c);

Context InBlockIndent(Context at, char c) {
  Layout layout = LayoutOf(at);
  if (c == '\n') {
    layout.column = 0;
    at.indent = layout.block;
    return Pack(at, layout);
  }
  const bool inside = layout.block != 0 && layout.column == layout.block;
  if (c == ' ' && !inside) {
    at = Right(at);
    if (at.state != kBroken && layout.block == 0) at.indent = LayoutOf(at).column;
    return at;
  }
  if (LeftOfBlock(at)) {
    const Layout line{.column = layout.column};
    return Step(Pack({.state = kIndent}, line), c);
  }
  if (!inside) layout.block = layout.column;
  at.indent = layout.block;
  return Go(Pack(at, layout), kBlockText, at.flags);
}

Context InBlockText(Context at, char c) {
  if (c != '\n') return at;
  Layout layout = LayoutOf(at);
  layout.column = 0;
  return Go(Pack(at, layout), kBlockIndent, at.flags);
}

Context InFlowItem(Context at, char c) {
  switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case ',':
      return at;
    case '[':
    case '{':
      return OpenBracket(at);
    case ']':
    case '}':
      return CloseBracket(at);
    case '"':
      return Go(at, kDouble);
    case '\'':
      return Go(at, kSingle);
    case '#':
      return Go(at, kFlowComment);
    case '&':
    case '*':
    case '!':
    case '?':
    case '|':
    case '>':
    case '%':
    case '@':
    case '`':
      return Break(kFlowProperty);
    default:
      return Go(at, kFlowPlain, FirstOfPlain(c));
  }
}

Context InFlowPlain(Context at, char c) {
  if (c == ',') return Go(at, kFlowItem);
  if (c == ']' || c == '}') return CloseBracket(at);
  if (at.state == kFlowColon && (IsBlank(c) || c == '\n')) return Go(at, kFlowItem);
  if (c == '[' || c == '{') return Break(kReserved);
  if (c == ':') return Go(at, kFlowColon, MoreOfPlain(at.flags, c));
  if (IsBlank(c) || c == '\n') return Go(at, kFlowBlank, MoreOfPlain(at.flags, ' '));
  if (c == '#' && at.state == kFlowBlank) return Break(kFlowHash);
  return Go(at, kFlowPlain, MoreOfPlain(at.flags, c));
}

Context InFlowBehind(Context at, char c) {
  if (c == ',') return Go(at, kFlowItem);
  if (c == ']' || c == '}') return CloseBracket(at);
  if (IsBlank(c) || c == '\n') return at;
  if (c == ':') return at.state == kFlowHole ? Break(kHoleKey) : Go(at, kFlowItem);
  return Break(c == '#' ? kFlowHash : kGlued);
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kIndent:
      if (c == ' ') return Right(at);
      if (c == '\t') return Break(kTabIndent);
      // A directive stands before the document and is no part of it.
      if (c == '%' && LayoutOf(at).column == 0) return Go(at, kComment);
      return BeginNode(at, c);
    case kItem:
      return c == ' ' ? Right(at) : BeginNode(at, c);
    case kValue:
      return IsBlank(c) ? at : BeginNode(at, c);
    case kDash:
      return InDash(at, c);
    case kMarker:
      if (c == '\n') return NewLine();
      return c == '-' ? at : Break(kBehindMarker);
    case kProperty:
      if (c == '\n') return NewLine();
      return IsBlank(c) ? Go(at, at.flags == 0 ? kItem : kValue) : at;
    case kKeyHole:
      return Behind(at, c, kKeyColon);
    case kItemHole:
      return Behind(at, c, kItemColon);
    case kItemColon:
      return Break(IsBlank(c) || c == '\n' ? kHoleKey : kGlued);
    case kKeyColon:
    case kQuotedColon:
      if (c == '\n') return NewLine();
      return IsBlank(c) ? BeginKeyValue(at) : Break(kGlued);
    case kPlain:
    case kPlainBlank:
      return InPlain(at, c);
    case kPlainColon:
      return InPlainColon(at, c);
    case kSingle:
      return c == '\'' ? Go(at, kSingleQuote) : at;
    case kSingleQuote:
      return c == '\'' ? Go(at, kSingle) : Step(EndQuoted(at), c);
    case kDouble:
    case kDoubleEscape:
    case kDoubleHex:
      return InDouble(at, c);
    case kQuoted:
      return Behind(at, c, kQuotedColon);
    case kAfter:
      if (c == '#') return Go(at, kComment);
      return Behind(at, c, kBroken);
    case kHeader:
      return InHeader(at, c);
    case kBlockIndent:
      return InBlockIndent(at, c);
    case kBlockText:
      return InBlockText(at, c);
    case kComment:
      return c == '\n' ? NewLine() : at;
    case kFlowItem:
      return InFlowItem(at, c);
    case kFlowPlain:
    case kFlowColon:
    case kFlowBlank:
      return InFlowPlain(at, c);
    case kFlowHole:
    case kFlowAfter:
      return InFlowBehind(at, c);
    case kFlowComment:
      return c == '\n' ? Go(at, kFlowItem) : at;
    default:
      return at;
  }
}

}  // namespace

Layout LayoutOf(Context at) {
  return {.column = static_cast<uint8_t>(at.nesting),
          .parent = static_cast<uint8_t>(at.nesting >> 8),
          .block = static_cast<uint8_t>(at.nesting >> 16),
          .depth = static_cast<uint8_t>(at.nesting >> 24)};
}

Context Advance(Context at, std::string_view literal) { return Walk<Step>(at, literal); }

Context AfterHole(Context at) {
  switch (at.state) {
    case kIndent:
      return Go(at, kKeyHole);
    case kItem:
    case kValue:
      return Go(at, kItemHole);
    case kPlainColon:
    case kPlainBlank:
      return Go(at, kPlain, kString);
    case kPlain:
      return Go(at, kPlain, at.flags == kNumber ? kNumber : kString);
    case kFlowItem:
      return Go(at, kFlowHole);
    case kFlowColon:
    case kFlowBlank:
      return Go(at, kFlowPlain, at.flags);
    case kBlockIndent: {
      Layout layout = LayoutOf(at);
      if (LeftOfBlock(at)) return Go(Pack({}, {.column = layout.column}), kKeyHole);
      layout.block = layout.column;
      at.indent = layout.block;
      return Go(Pack(at, layout), kBlockText, at.flags);
    }
    default:
      return at;
  }
}

bool LeftOfBlock(Context at) {
  const Layout layout = LayoutOf(at);
  return layout.block == 0 ? layout.column <= layout.parent : layout.column < layout.block;
}

}  // namespace kb::lang::yaml
