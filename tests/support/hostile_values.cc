#include "support/hostile_values.h"

#include <algorithm>
#include <cstdint>
#include <string_view>

namespace kb::test {
namespace {

constexpr std::string_view kTable[] = {
    // blanks and line ends
    "",
    " ",
    " x",
    "x ",
    "  x  ",
    "\t",
    "\tx",
    "x\t",
    "a\tb",
    "\n",
    "x\n",
    "\nx",
    "a\nb",
    "a\n\nb",
    "\r",
    "x\r",
    "a\rb",
    "\r\n",
    "a\r\nb",
    "a b",
    "a  b",
    // quotes and expansions
    "'",
    "''",
    "'x'",
    "it's",
    "\"",
    "\"\"",
    "\"x\"",
    "`",
    "`id`",
    "\\",
    "\\\\",
    "x\\",
    "\\x",
    "\\'",
    "\\\"",
    "\\$",
    "$",
    "$$",
    "$x",
    "${X}",
    "${HOME}",
    "$(id)",
    "$((1+1))",
    "$'x'",
    "$\"x\"",
    "!",
    "!!",
    "!x",
    "'; rm -rf / #",
    "\"; rm -rf / #",
    "$(touch /tmp/kbgen-was-here)",
    "' OR '1'='1",
    "');--",
    "*/",
    "/* x */",
    "--",
    "-- x",
    // comments and separators
    "#",
    "#x",
    " #x",
    "x #y",
    "x#y",
    ";",
    ";x",
    "x;y",
    "x ;y",
    ":",
    ":x",
    "x:",
    "a: b",
    "a:b",
    ",",
    "a,b",
    "=",
    "a=b",
    "=x",
    "//x",
    // specifiers
    "%",
    "%%",
    "%h",
    "%n",
    "%i",
    "%s",
    "%[src]",
    "%d%n",
    "%2F",
    // globs, braces, anchors
    "*",
    "*x",
    "?",
    "? x",
    "[",
    "[a",
    "[a]",
    "]",
    "{",
    "{a}",
    "{a,b}",
    "}",
    "{{x}}",
    "{% x %}",
    "<%= x %>",
    "~",
    "~root",
    "~/x",
    "&",
    "&x",
    "|",
    "|x",
    "||",
    "&&",
    ">",
    ">x",
    "<",
    "<x",
    "<<",
    "<<EOF",
    "(",
    ")",
    "()",
    "@",
    "@x",
    "^",
    "^x",
    // what looks like an option or a list
    "-",
    "- x",
    "-x",
    "--flag",
    "-rf",
    "-n",
    "-e",
    "+x",
    // words that YAML and its relations read as something else
    "null",
    "Null",
    "~",
    "true",
    "True",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "y",
    "n",
    "012",
    "0755",
    "0x1F",
    "0o7",
    "1e3",
    "1_000",
    "12:30:45",
    "12:30",
    ".5",
    "5.",
    "+1",
    "-1",
    "0",
    "1.0",
    ".inf",
    ".nan",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "---",
    "...",
    "--- x",
    "... x",
    "!!str x",
    "!tag",
    // reserved words
    "if",
    "then",
    "do",
    "done",
    "in",
    "esac",
    "EOF",
    "EOF\n",
    "\nEOF\n",
    "a\nEOF\nb",
    "END",
    "exit",
    // paths and addresses
    "/",
    "//",
    ".",
    "..",
    "a/b",
    "../x",
    "/etc/passwd",
    "10.0.0.1",
    "[::1]:5432",
    "fe80::1%eth0",
    "user@host",
    "https://u:p@h:1/p?q=1&r=2#f",
    // escapes as plain text
    "\\n",
    "a\\nb",
    "\\t",
    "\\0",
    "\\x41",
    "\\u0041",
    "\\N",
    "&amp;",
    "&#39;",
    // control characters
    "\x01",
    "a\x07"
    "b",
    "\x1b[31mred\x1b[0m",
    "\x7f",
    "\x08",
    "\x0b",
    "\x0c",
    // beyond ASCII: é in both forms, U+202E, U+0085, U+00A0, U+2028, U+2029, U+FEFF, an emoji
    "\xc3\xa9",
    "e\xcc\x81",
    "a\xe2\x80\xae"
    "b",
    "a\xc2\x85"
    "b",
    "a\xc2\xa0"
    "b",
    "a\xe2\x80\xa8"
    "b",
    "a\xe2\x80\xa9"
    "b",
    "\xef\xbb\xbfx",
    "\xf0\x9f\x98\x80",
    // base64 and every URL-reserved character
    "c2VjcmV0Cg==",
    "a+b/c=",
    ":/?#[]@!$&'()*+,;=",
    // every printable character of ASCII, in order
    " !\"#$%&'()*+,-./"
    "0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~",
};

// xorshift: the standard distributions differ between libraries, and a test must not.
class Dice {
 public:
  uint32_t Below(uint32_t bound) {
    state_ ^= state_ << 13, state_ ^= state_ >> 17, state_ ^= state_ << 5;
    return state_ % bound;
  }

 private:
  uint32_t state_ = 0x9E3779B9;
};

// A text of pieces that mean something to at least one language.
std::string Compose(Dice& dice, size_t pieces) {
  constexpr std::string_view kPieces[] = {
      "'", "\"", "`", "\\", "$",   "${",       "}",   "$(",    ")",     "(", "\n", "\t", " ",
      "#", " #", ";", ":",  ": ",  "%",        "*",   "?",     "[",     "]", "{",  "~",  "&",
      "|", "<",  ">", "-",  "- ",  "--",       "=",   "!",     "@",     ",", "a",  "Z",  "0",
      "9", "_",  ".", "/",  "EOF", "\xc3\xa9", "\\n", "'\\''", "\"'\"", "^", "+",  "if", "x"};
  std::string text;
  for (size_t i = 0; i < pieces; ++i) text += kPieces[dice.Below(std::size(kPieces))];
  return text;
}

std::vector<std::string> MakeValues() {
  std::vector<std::string> values(std::begin(kTable), std::end(kTable));
  Dice dice;
  for (size_t length : {size_t{4} * 1024, size_t{128} * 1024}) {
    values.push_back(std::string(length, 'x'));
    std::string mixed;
    while (mixed.size() < length) mixed += Compose(dice, 16);
    // A cut inside a character would make it a test of UTF-8, which is another one.
    mixed.resize(length - 4);
    while (!mixed.empty() && static_cast<unsigned char>(mixed.back()) >= 0x80) mixed.pop_back();
    values.push_back(mixed);
  }
  for (int i = 0; i < 400; ++i) values.push_back(Compose(dice, 1 + dice.Below(12)));
  return values;
}

bool IsOneLine(const std::string& value) {
  return std::ranges::none_of(value, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

}  // namespace

const std::vector<std::string>& HostileValues() {
  static const std::vector<std::string> values = MakeValues();
  return values;
}

const std::vector<std::string>& HostileLines() {
  static const std::vector<std::string> lines = [] {
    std::vector<std::string> kept;
    std::ranges::copy_if(HostileValues(), std::back_inserter(kept), IsOneLine);
    return kept;
  }();
  return lines;
}

const std::string kWithNul{"a\0b", 3};

}  // namespace kb::test
