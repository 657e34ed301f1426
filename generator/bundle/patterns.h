// Patterns: what points outside wherever it stands: URLs, names of hosts, settings whose value is a
// host or an image.
#pragma once

#include <string>
#include <string_view>

#include "bundle/commands.h"

namespace kb::bundle {

// URLs, hosts, `ppa:…` and `git@host:…`. `host`: what a name that stands alone is.
void FindAnywhere(std::string_view text, NeedKind host, const Inside& inside, const Report& report);

// Lines `image: x`, `NTP=x`, `nameserver x` and the like.
void FindSettings(std::string_view text, const Inside& inside, const Report& report);

// The same text with blanks for comments: lines that begin with one of the marks (or with //), and
// what follows a blank and the first of them.
std::string WithoutComments(std::string_view bytes, std::string_view marks);

// Blanks for text[begin, end); lines stay lines.
void Blank(std::string& text, size_t begin, size_t end);

std::string_view Unquoted(std::string_view text);  // and without a comma behind it

}  // namespace kb::bundle
