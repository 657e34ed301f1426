#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "lang/languages.h"
#include "lang/line.h"

// rabbitmq.conf as cuttlefish reads it: `key = value`, a line each. `#` begins a comment anywhere,
// $(name) is replaced, blanks around a value are lost, and there is nothing to quote or escape
// with: some releases undo '…', some do not.
namespace kb::lang {
namespace {

constexpr line::Dialect kDialect = {.comments = "#"};

enum State : uint8_t {
  kQuoted = line::kValue + 1,  // in a value that begins with a single quote
};

Context Step(Context at, char c) {
  const bool in_value = at.state == line::kEmpty || at.state == line::kValue || at.state == kQuoted;
  if (in_value && c == '#') return {.state = line::kComment};
  if (at.state == line::kEmpty && c == '\'') return {.state = kQuoted};
  return line::Step<kDialect>(at, c);
}

std::string_view WriteWord(std::string_view value, Context, std::string& out) {
  const auto fits = [](char c) { return IsAlnum(c) || c == '_' || c == '-'; };
  if (!std::ranges::all_of(value, fits)) {
    return "a word of a key is made of letters, digits, _ and -";
  }
  out += value;
  return {};
}

// A whole key has words with dots between them.
std::string_view WriteKey(std::string_view value, Context at, std::string& out) {
  bool first = true;
  for (std::string_view word : Split(value, '.')) {
    if (word.empty()) return "a key has a word before and behind each dot";
    if (!std::exchange(first, false)) out += '.';
    if (const auto why = WriteWord(word, at, out); !why.empty()) return why;
  }
  return {};
}

std::string_view WriteValue(std::string_view value, Context, std::string& out) {
  if (value.empty()) return "RabbitMQ has no empty values";
  if (const auto why = NotTrimmedLine(value); !why.empty()) return why;
  const auto plain = [](char c) { return c >= ' ' && c <= '~'; };
  if (!std::ranges::all_of(value, plain)) {
    return "RabbitMQ's releases differ in what is not ASCII, and control characters cannot stand "
           "here";
  }
  if (value.find('#') != std::string_view::npos) return "`#` begins a comment, even in a value";
  const std::string_view before = out;
  if (value.find("$(") != std::string_view::npos || value.ends_with('$') ||
      (value.starts_with('(') && before.ends_with('$'))) {
    return "RabbitMQ would read `$(` as the beginning of another setting's name";
  }
  const bool begins = before.empty() || IsBlank(before.back()) || before.back() == '=';
  if (begins && value.starts_with('\'')) {
    return "RabbitMQ's releases differ in what a quote at the beginning means";
  }
  if (begins && value.starts_with("encrypted:")) {
    return "RabbitMQ would take it for an encrypted value";
  }
  out += value;
  return {};
}

Fit Admit(Context at, ValueClass value) {
  switch (at.state) {
    case line::kComment:
      return Write(WriteComment);
    case line::kEmpty:
    case line::kValue:
      return Write(WriteValue);
    case kQuoted:
      return Refuse("RabbitMQ's releases differ in what single quotes mean: leave them out");
    default:
      if (value == ValueClass::kText) return Refuse(line::kKeyRefused);
      return Write(at.state == line::kStart ? WriteKey : WriteWord);
  }
}

constexpr Language kRabbitmq = {
    .name = "rabbitmq",
    .comment = "#",
    .advance = Walk<Step>,
    .after_hole = line::AfterHole,
    .admit = Admit,
    .describe = line::Describe,
    .may_end = [](Context) { return true; },
    .broken = [](Context) -> std::string_view { return {}; },
};

}  // namespace

const Language& Rabbitmq() { return kRabbitmq; }

}  // namespace kb::lang
