#include <algorithm>
#include <array>

#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// sshd_config: a keyword and its arguments, which may stand in double quotes. Which arguments are
// patterns, and which expand %h or ${HOME}, depends on the keyword; texts that hold such signs are
// refused everywhere.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,
  kComment,
  kKeyword,
  kArgStart,
  kArg,
  kDouble,
  kClosed,
  kRest,
  kUnclosed
};

// These take the rest of the line as it is, quotes included.
constexpr std::array<std::string_view, 3> kRestOfLine = {"forcecommand", "subsystem",
                                                         "versionaddendum"};
static_assert(std::ranges::is_sorted(kRestOfLine));

char Lower(char c) { return IsUpper(c) ? static_cast<char>(c - 'A' + 'a') : c; }

Context Step(Context at, char c) {
  if (at.state == kUnclosed) return at;
  if (c == '\n') return at.state == kDouble ? Context{.state = kUnclosed} : Context{};
  switch (at.state) {
    case kLine:
      if (IsBlank(c)) return at;
      if (c == '#') return {.state = kComment};
      [[fallthrough]];
    case kKeyword:
      if (IsBlank(c) || c == '=') {
        const bool rest = WholeWord(kRestOfLine, static_cast<uint16_t>(at.nesting)) >= 0;
        return {.state = rest ? kRest : kArgStart};
      }
      at.nesting = NextLetter(kRestOfLine, static_cast<uint16_t>(at.nesting), Lower(c));
      at.state = kKeyword;
      return at;
    case kArgStart:
    case kArg:
    case kClosed:
      if (IsBlank(c) || (c == '=' && at.state == kArgStart)) return {.state = kArgStart};
      if (c == '"') return {.state = kDouble};
      if (c == '#' && at.state == kArgStart) return {.state = kComment};
      return {.state = kArg};
    case kDouble:
      return c == '"' ? Context{.state = kClosed} : at;
    default:
      return at;
  }
}

Context AfterHole(Context at) {
  if (at.state == kArgStart) return {.state = kArg};
  return at;
}

std::string_view WriteInDouble(std::string_view value, Context, std::string& out) {
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  if (HasControl(value)) return kControlRefused;
  if (HasAny(value, "\"'\\")) return "sshd reads quotes and backslashes differently by keyword";
  if (HasAny(value, "%$*?!,")) return "sshd could read a pattern, a list or a variable in it";
  out += value;
  return {};
}

std::string_view WriteArgument(std::string_view value, Context at, std::string& out) {
  if (value.empty()) return "sshd has no empty arguments";
  out += '"';
  const auto why = WriteInDouble(value, at, out);
  out += '"';
  return why;
}

std::string_view WriteYesNo(std::string_view value, Context, std::string& out) {
  out += value == "true" ? "yes" : "no";
  return {};
}

Fit AdmitText(Context at) {
  switch (at.state) {
    case kArgStart:
      return Write(WriteArgument);
    case kDouble:
      return Write(WriteInDouble);
    case kRest:
      return Refuse("this keyword takes the rest of the line, in which nothing can be quoted");
    default:
      return Refuse("put the whole argument between double quotes");
  }
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == kComment) return Write(WriteComment);
  if (at.state == kLine || at.state == kKeyword) return Refuse("keywords are literal");
  if (value == ValueClass::kText) return AdmitText(at);
  if (value == ValueClass::kBool && at.state == kArgStart) return Write(WriteYesNo);
  return Write(WriteBare);
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kLine:
    case kKeyword:
      return "where a keyword is due";
    case kComment:
      return "in a comment";
    case kDouble:
      return "inside double quotes";
    default:
      return "in an argument";
  }
}

constexpr Language kSshd = {
    .name = "sshd",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = [](Context at) { return at.state != kDouble && at.state != kUnclosed; },
    .broken =
        [](Context at) { return at.state == kUnclosed ? kUnclosedQuote : std::string_view(); },
};

}  // namespace

const Language& Sshd() { return kSshd; }

}  // namespace kb::lang
