#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/line.h"

// INI has no standard. `ini` refuses whatever any reader gives a meaning; the named dialects know
// their reader and refuse less.
namespace kb::lang {
namespace {

constexpr line::Dialect kLines = {.comments = "#;", .sections = true};

std::string_view NotIniLine(std::string_view value) {
  if (const auto why = NotTrimmedLine(value); !why.empty()) return why;
  for (std::string_view rest = value; !rest.empty();) {
    const Character c = FirstCharacter(rest);
    // Python splits lines at U+0085, U+2028 and U+2029 too, and cuts U+00A0 off at the ends.
    if (IsControl(c.code) && c.code != '\t') return kControlRefused;
    if (IsInvisible(c.code) || c.code == 0xA0) return "an invisible character cannot stand here";
    rest.remove_prefix(c.size);
  }
  return {};
}

// A comment sign counts at the beginning, and for some readers behind a blank.
bool BeginsComment(std::string_view value, std::string_view signs) {
  for (size_t i = 0; i < value.size(); ++i) {
    if (signs.find(value[i]) == std::string_view::npos) continue;
    if (i == 0 || IsBlank(value[i - 1])) return true;
  }
  return false;
}

std::string_view WritePlain(std::string_view value, Context, std::string& out) {
  if (const auto why = NotIniLine(value); !why.empty()) return why;
  if (HasAny(value, "#;\"'\\%$<>")) {
    return "readers of INI differ in what quotes, backslashes and the signs # ; % $ < > mean";
  }
  out += value;
  return {};
}

// fail2ban reads with Python's configparser, which expands %(name)s, and cuts a comment off behind
// ` ;`; its actions replace <tags>.
std::string_view WriteFail2ban(std::string_view value, Context, std::string& out) {
  if (const auto why = NotIniLine(value); !why.empty()) return why;
  if (BeginsComment(value, ";#")) return "fail2ban would read a comment in it";
  if (HasAny(value, "<>")) return "fail2ban replaces what stands between < and >";
  AppendEscaped(value, "%", '%', out);
  return {};
}

// systemd's own files (journald.conf, resolved.conf): as unit files, but without specifiers.
std::string_view WriteSystemdConf(std::string_view value, Context, std::string& out) {
  if (const auto why = NotIniLine(value); !why.empty()) return why;
  if (value.ends_with('\\')) return "a backslash at its end would join the next line";
  if (HasAny(value, "\"'")) return "some of these settings undo quotes, some do not";
  out += value;
  return {};
}

template <EscapeFn Text>
Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case line::kComment:
      return Write(WriteComment);
    case line::kEmpty:
    case line::kValue:
      return Write(value == ValueClass::kText ? Text : WriteBare);
    default:
      if (value == ValueClass::kText) return Refuse(line::kKeyRefused);
      return Write(WriteBare);
  }
}

constexpr Language Dialect(std::string_view name, Fit (*admit)(Context, ValueClass)) {
  return {
      .name = name,
      .comment = "#",
      .advance = Walk<line::Step<kLines>>,
      .after_hole = line::AfterHole,
      .admit = admit,
      .describe = line::Describe,
      .may_end = [](Context at) { return at.state != line::kSection; },
      .broken = [](Context) -> std::string_view { return {}; },
  };
}

constexpr Language kIni = Dialect("ini", Admit<WritePlain>);
constexpr Language kFail2ban = Dialect("fail2ban", Admit<WriteFail2ban>);
constexpr Language kSystemdConf = Dialect("systemdconf", Admit<WriteSystemdConf>);

}  // namespace

const Language& Ini() { return kIni; }
const Language& Fail2ban() { return kFail2ban; }
const Language& SystemdConf() { return kSystemdConf; }

}  // namespace kb::lang
