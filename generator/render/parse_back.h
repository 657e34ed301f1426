// ParseBack: reads a rendered text in its own language, as far as that can be done in the process.
#pragma once

#include <string>
#include <string_view>

#include "lang/language.h"

namespace kb::render {

// Why `text` is not of the language, or empty. YAML and JSON are read; of all others the shape of
// their lines is checked: no carriage return, no NUL, no blank at a line's end, a final newline.
std::string ParseBack(std::string_view text, const lang::Language& language);

}  // namespace kb::render
