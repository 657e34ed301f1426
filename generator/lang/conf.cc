#include "base/strings.h"
#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/line.h"

// Conf: lines of words with `#` comments, in the many small formats that have no quotes worth the
// name (audit rules, modules-load.d, apt preferences, fstab). Outside of comments a text must be
// one word that none of them reads as anything else.
namespace kb::lang {
namespace {

constexpr line::Dialect kDialect = {.comments = "#", .separator = ' '};

// Version patterns of apt (`24.0.7-*`, `1:2~rc1`) are such words and no atoms.
std::string_view WriteWord(std::string_view value, Context, std::string& out) {
  if (value.empty() || value[0] == '-') return "this format needs a word here";
  for (const char c : value) {
    if (!IsAlnum(c) && std::string_view("._:/@+-*~").find(c) == std::string_view::npos) {
      return "this format has no quotes: only one word of letters, digits and ._:/@+-*~ can stand "
             "here";
    }
  }
  out += value;
  return {};
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == line::kComment) return Write(WriteComment);
  return Write(value == ValueClass::kText ? WriteWord : WriteBare);
}

constexpr Language kConf = {
    .name = "conf",
    .comment = "#",
    .advance = Walk<line::Step<kDialect>>,
    .after_hole = line::AfterHole,
    .admit = Admit,
    .describe = line::Describe,
    .may_end = [](Context) { return true; },
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Conf() { return kConf; }

}  // namespace kb::lang
