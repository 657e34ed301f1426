// Hostile values: texts that break what is built by pasting. Every hole of every language must
// give each of them back unchanged, or refuse it.
#pragma once

#include <span>
#include <string>
#include <vector>

namespace kb::test {

// All values: the hand-written table, then the long ones (4 KiB and 128 KiB), then a fixed
// pseudo-random set. NUL is left out: see kWithNul. The same on every run.
const std::vector<std::string>& HostileValues();

// Only those without NUL, CR, LF or other control characters: for formats of one line a value.
const std::vector<std::string>& HostileLines();

// Refused by every language.
extern const std::string kWithNul;

}  // namespace kb::test
