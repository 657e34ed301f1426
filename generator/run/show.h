// Show: text from servers and spans of time, as a terminal or a log can bear them.
#pragma once

#include <string>
#include <string_view>

#include "run/events.h"

namespace kb::run {

// One line without control characters, escape sequences and bytes that are no UTF-8: what a server
// prints must not move the operator's cursor. A tab becomes a space.
std::string Printable(std::string_view text);

// Columns that a printable text takes on a terminal.
size_t ColumnsOf(std::string_view text);
// At most that many columns; what was cut off is told by an ellipsis.
std::string Fit(std::string_view text, size_t columns);
// Fit, and filled up with blanks.
std::string Pad(std::string_view text, size_t columns);

// "0.4 s", "12 s", "3:04", "1:02:03".
std::string Span(Time ms);

// "1 step", "3 steps".
std::string Count(size_t number, std::string_view noun);

}  // namespace kb::run
