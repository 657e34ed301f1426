// Excerpt: one line of an input as a terminal shows it, and where a part of it stands.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kb {

// Columns are those of a terminal: a tab takes four, an East Asian character two, an accent that
// stands on another letter none.
struct Excerpt {
  std::string text;
  size_t indent = 0;  // columns before the part
  size_t width = 1;   // columns of the part, at least one
};

// Shows the bytes [begin, end) of `line`. A line that is wider than a screen is cut around them.
Excerpt MakeExcerpt(std::string_view line, size_t begin, size_t end);

// What may be printed: control characters, which could move the cursor or hide text, and bytes that
// are not UTF-8 are replaced by visible ones. Line feeds stay.
std::string Printable(std::string_view text);

}  // namespace kb
