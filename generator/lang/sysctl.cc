#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/line.h"

// sysctl.d: `key = value`, a line each. No quotes, no escapes: what stands behind the sign is the
// value, without its outer blanks.
namespace kb::lang {
namespace {

constexpr line::Dialect kDialect = {.comments = "#;"};

std::string_view WriteRest(std::string_view value, Context, std::string& out) {
  if (const auto why = NotTrimmedLine(value); !why.empty()) return why;
  if (HasControl(value, "\t")) return kControlRefused;
  if (value.empty()) return "a kernel setting without a value is not set at all";
  out += value;
  return {};
}

// The kernel's switches are numbers.
std::string_view WriteSwitch(std::string_view value, Context, std::string& out) {
  out += value == "true" ? '1' : '0';
  return {};
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case line::kComment:
      return Write(WriteComment);
    case line::kEmpty:
    case line::kValue:
      if (value == ValueClass::kBool) return Write(WriteSwitch);
      return Write(value == ValueClass::kText ? WriteRest : WriteBare);
    default:
      if (value == ValueClass::kText) return Refuse(line::kKeyRefused);
      return Write(WriteBare);
  }
}

constexpr Language kSysctl = {
    .name = "sysctl",
    .comment = "#",
    .advance = Walk<line::Step<kDialect>>,
    .after_hole = line::AfterHole,
    .admit = Admit,
    .describe = line::Describe,
    .may_end = [](Context) { return true; },
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Sysctl() { return kSysctl; }

}  // namespace kb::lang
