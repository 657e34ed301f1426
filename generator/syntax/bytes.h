// Bytes: what no input file may contain, whatever its format.
#pragma once

#include "diag/diagnostic.h"
#include "diag/source.h"

namespace kb {

// Refuses a byte order mark, bytes that are not UTF-8, carriage returns and control characters
// other than tab and line feed. Reports the first of each kind in a line, at its place, and of each
// kind no more than ten lines, so that a file of the wrong sort does not bury the rest.
Checked<Done> CheckBytes(Span file, const Sources& sources, Diagnostics& diags);

}  // namespace kb
