// Language: for each place in a text of one language, whether a value may stand there and how it
// must be written so that a reader of that language gets back exactly that value.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kb::lang {

// What the type of a value promises. Atoms are [A-Za-z0-9._:/@+-]+ (also `[` `]` around an IPv6
// address is NOT in it), not empty, not starting with '-'. Text may be anything.
enum class ValueClass : uint8_t { kAtom, kInt, kBool, kText };

// Where the literal text has arrived. Comparable, so that branches can be joined.
struct Context {
  uint8_t state = 0;
  uint8_t flags = 0;
  uint16_t indent = 0;
  uint64_t nesting = 0;  // languages that nest: a stack of what is open
  friend bool operator==(const Context&, const Context&) = default;
};

// Appends `value` so that it is read back as itself. Empty: done. Else why it cannot be written
// here ("a newline cannot stand in a unit file"); `out` is then unspecified.
using EscapeFn = std::string_view (*)(std::string_view value, Context at, std::string& out);

// Either an escaper, or (escape == nullptr) why no value of that class may stand here. Branches and
// loops may bring several contexts to one hole: it is admitted when all have the same indent and
// give the same escaper. So an escaper may look at the indent, and at nothing else of the context.
struct Fit {
  EscapeFn escape = nullptr;
  std::string_view refusal;
};

// One constant object a language. All functions are pure.
struct Language {
  std::string_view name;     // "shell"
  std::string_view comment;  // starts a comment line ("#"); empty: the language has none
  Context (*advance)(Context at, std::string_view literal);
  Context (*after_hole)(Context at);
  Fit (*admit)(Context at, ValueClass value);
  std::string_view (*describe)(Context at);  // "inside double quotes", for messages
  bool (*may_end)(Context at);               // whether a file (or a partial) may end here
  // Why this context is beyond repair ("a statement splits a here-document"), or empty. Asked after
  // each advance.
  std::string_view (*broken)(Context at);
};

// By name, or nullptr. Names: shell yaml systemd haproxy ini libpq userlist sql dockerfile json
// markdown sshd sysctl env dockerenv nft redis mycnf mysql zone url text …
const Language* Find(std::string_view name);
std::span<const Language* const> All();

// The language that a file name suggests ("x.sh" → shell, "x.service" → systemd), or nullptr.
const Language* ForFileName(std::string_view file_name);

}  // namespace kb::lang
