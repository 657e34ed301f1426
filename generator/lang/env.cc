#include "lang/bare.h"
#include "lang/languages.h"
#include "lang/scan.h"
#include "lang/writing.h"

// Two grammars of one look. systemd's EnvironmentFile= knows quotes, escapes, continued lines and
// values of several lines; what is written here for it means the same to a POSIX shell. Docker's
// --env-file knows none of that: a line is a name, `=`, and the value as it stands.
namespace kb::lang {
namespace {

enum State : uint8_t {
  kLine,
  kComment,
  kName,
  kStart,  // behind the `=`
  kWord,   // in a value, outside of quotes
  kSingle,
  kDouble,
  kHole,  // behind a hole that began a value: it may have been quoted
};

enum Flag : uint8_t { kEscaped = 1 };

Context Go(Context at, State state) {
  at.state = state;
  at.flags = 0;
  return at;
}

Context InWord(Context at, char c) {
  if (at.flags & kEscaped) return Go(at, c == '\n' ? static_cast<State>(at.state) : kWord);
  if (c == '\n') return {};
  if (c == '\\') {
    at.flags = kEscaped;
    return at;
  }
  if (at.state == kStart) {
    if (IsBlank(c)) return at;
    if (c == '\'') return Go(at, kSingle);
    if (c == '"') return Go(at, kDouble);
  }
  return Go(at, kWord);
}

Context Step(Context at, char c) {
  switch (at.state) {
    case kLine:
      if (IsBlank(c) || c == '\n') return at;
      if (c == '#' || c == ';') return Go(at, kComment);
      return Go(at, kName);
    case kComment:
      return c == '\n' ? Context{} : at;
    case kName:
      if (c == '\n') return {};
      return c == '=' ? Go(at, kStart) : at;
    case kSingle:
      return c == '\'' ? Go(at, kStart) : at;
    case kDouble:
      if (!(at.flags & kEscaped) && c == '\\') {
        at.flags = kEscaped;
        return at;
      }
      if (at.flags & kEscaped) return Go(at, kDouble);
      return c == '"' ? Go(at, kStart) : at;
    case kHole:
      if (c == '\n') return {};
      return IsBlank(c) ? at : Go(at, kWord);
    default:
      return InWord(at, c);
  }
}

Context AfterHole(Context at) {
  if (at.state == kStart) return Go(at, kHole);
  return at;
}

std::string_view NotEnvironment(std::string_view value) {
  if (HasNul(value)) return kNulRefused;
  if (FindInvalidUtf8(value) != std::string_view::npos) return "systemd reads UTF-8 only";
  if (HasControl(value, "\t\n")) return kControlRefused;
  return {};
}

std::string_view WriteInDouble(std::string_view value, Context, std::string& out) {
  if (const auto why = NotEnvironment(value); !why.empty()) return why;
  AppendEscaped(value, "\"\\`$", '\\', out);
  return {};
}

std::string_view WriteQuoted(std::string_view value, Context at, std::string& out) {
  out += '"';
  const auto why = WriteInDouble(value, at, out);
  out += '"';
  return why;
}

std::string_view WriteInSingle(std::string_view value, Context, std::string& out) {
  if (const auto why = NotEnvironment(value); !why.empty()) return why;
  if (value.find('\'') != std::string_view::npos) return "single quotes cannot hold a single quote";
  out += value;
  return {};
}

// systemd joins a comment that ends in a backslash with the line below it.
std::string_view WriteEnvComment(std::string_view value, Context at, std::string& out) {
  const size_t begin = out.size();
  const auto why = WriteComment(value, at, out);
  for (size_t i = begin; i < out.size(); ++i) {
    if (out[i] == '\\') out[i] = ' ';
  }
  return why;
}

Fit Admit(Context at, ValueClass value) {
  if (at.state == kComment) return Write(WriteEnvComment);
  if (at.flags & kEscaped) return Refuse("the backslash before it would change what it means");
  const bool text = value == ValueClass::kText;
  switch (at.state) {
    case kLine:
    case kName:
      if (text) return Refuse("the name of a variable is made of atoms");
      return Write(WriteBare);
    case kStart:
      return Write(text ? WriteQuoted : WriteBare);
    case kSingle:
      return Write(text ? WriteInSingle : WriteBare);
    case kDouble:
      return Write(text ? WriteInDouble : WriteBare);
    default:
      if (text) return Refuse("quotes open only where a value begins: put the whole between them");
      return Write(WriteBare);
  }
}

std::string_view Describe(Context at) {
  switch (at.state) {
    case kLine:
    case kName:
      return "in the name of a variable";
    case kComment:
      return "in a comment";
    case kSingle:
      return "inside single quotes";
    case kDouble:
      return "inside double quotes";
    default:
      return "in the value of a variable";
  }
}

bool MayEnd(Context at) {
  return at.state != kSingle && at.state != kDouble && !(at.flags & kEscaped);
}

constexpr Language kEnv = {
    .name = "env",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = AfterHole,
    .admit = Admit,
    .describe = Describe,
    .may_end = MayEnd,
    .broken = [](Context) -> std::string_view { return {}; },
};

Context StepDocker(Context at, char c) {
  if (c == '\n') return {};
  switch (at.state) {
    case kLine:
      if (IsBlank(c)) return at;
      return Go(at, c == '#' ? kComment : kName);
    case kName:
      return c == '=' ? Go(at, kWord) : at;
    default:
      return at;
  }
}

Context AfterHoleDocker(Context at) { return at.state == kLine ? Go(at, kName) : at; }

std::string_view WriteDocker(std::string_view value, Context, std::string& out) {
  // Docker reads lines of less than 64 KiB; the rest is for the name.
  constexpr size_t kLongest = size_t{60} * 1024;
  if (const auto why = NotOneLine(value); !why.empty()) return why;
  if (FindInvalidUtf8(value) != std::string_view::npos) return "docker reads UTF-8 only";
  if (value.size() > kLongest) return "docker reads no line of an env file beyond 64 KiB";
  out += value;
  return {};
}

Fit AdmitDocker(Context at, ValueClass value) {
  if (at.state == kComment) return Write(WriteComment);
  if (value != ValueClass::kText) return Write(WriteBare);
  if (at.state == kWord) return Write(WriteDocker);
  return Refuse("the name of a variable is made of atoms");
}

constexpr Language kDockerEnv = {
    .name = "dockerenv",
    .comment = "#",
    .advance = Walk<StepDocker>,
    .after_hole = AfterHoleDocker,
    .admit = AdmitDocker,
    .describe = Describe,
    .may_end = [](Context) { return true; },
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Env() { return kEnv; }
const Language& DockerEnv() { return kDockerEnv; }

}  // namespace kb::lang
