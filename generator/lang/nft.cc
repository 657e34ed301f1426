#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// nftables rule sets: free text stands in "…" (comments of rules and sets, prefixes of logs), which
// has no escapes; everything else is atoms and numbers.
namespace kb::lang {
namespace {

enum State : uint8_t { kCode, kWord, kString, kClosed, kComment, kUnclosed };

Context Step(Context at, char c) {
  switch (at.state) {
    case kString:
      if (c == '\n') return {.state = kUnclosed};
      return c == '"' ? Context{.state = kClosed} : at;
    case kComment:
      return c == '\n' ? Context{} : at;
    case kUnclosed:
      return at;
    default:
      if (c == '"') return {.state = kString};
      if (c == '#') return {.state = kComment};
      return {.state = IsAtomChar(c) || c == '$' ? uint8_t{kWord} : uint8_t{kCode}};
  }
}

Context AfterHole(Context at) { return at.state == kCode ? Context{.state = kWord} : at; }

std::string_view WriteInString(std::string_view value, Context, std::string& out) {
  constexpr size_t kLongest = 127;
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  if (HasControl(value)) return kControlRefused;
  if (value.find('"') != std::string_view::npos) return "strings of nft cannot hold a double quote";
  if (value.find('$') != std::string_view::npos)
    return "nft reads variables in the prefix of a log";
  if (value.ends_with('\\')) return "nft would read an escaped quote";
  out += value;
  const size_t quote = out.rfind('"');
  const size_t begin = quote == std::string::npos ? 0 : quote + 1;
  if (out.size() - begin > kLongest)
    return "nft keeps no more than 127 bytes of a comment or prefix";
  return {};
}

std::string_view WriteAtom(std::string_view value, Context at, std::string& out) {
  if (value.starts_with('@')) return "with `@` at its beginning it would be the name of a set";
  return WriteBare(value, at, out);
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case kComment:
      return Write(WriteComment);
    case kString:
      return Write(WriteInString);
    case kClosed:
      return Refuse("a value must not touch the quote before it");
    default:
      if (value == ValueClass::kText) {
        return Refuse("outside of quotes nft takes atoms: write it as comment \"…\"");
      }
      return Write(at.state == kCode ? WriteAtom : WriteBare);
  }
}

std::string_view Describe(Context at) {
  if (at.state == kComment) return "in a comment";
  return at.state == kString ? "inside double quotes" : "in a rule";
}

constexpr Language kNft = {
    .name = "nft",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = [](Context at) { return at.state != kString && at.state != kUnclosed; },
    .broken =
        [](Context at) { return at.state == kUnclosed ? kUnclosedQuote : std::string_view(); },
};

}  // namespace

const Language& Nft() { return kNft; }

}  // namespace kb::lang
