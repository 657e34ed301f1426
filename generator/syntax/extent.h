// Extent: where the pieces of a YAML text end. The parser tells only where they begin.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace kb {

// The end of the plain scalar at `begin` that was read as `value`: lines may have been folded.
// Nothing if something else is written there.
std::optional<size_t> PlainEnd(std::string_view text, size_t begin, std::string_view value);

// Behind the closing quote of the scalar at `begin`; nothing if it is not closed.
std::optional<size_t> QuotedEnd(std::string_view text, size_t begin);

// The end of the last line that is not blank of the block scalar whose `|` or `>` is at `begin`.
// `outer` is the column of the list or map around it, -1 at the top.
size_t BlockEnd(std::string_view text, size_t begin, int outer);

// The first byte from `at` on that is neither blank nor in a comment.
size_t SkipBlanks(std::string_view text, size_t at);

// The end of the word at `begin`: what follows is blank or a `,`, `[`, `]`, `{` or `}`.
size_t WordEnd(std::string_view text, size_t begin);

// The length of the `~` or `null` at `at`, or 0.
size_t NullWordAt(std::string_view text, size_t at);

// Whether the line at `at` begins with `---` or `...`.
bool IsDocumentMarker(std::string_view text, size_t at);

size_t LineBegin(std::string_view text, size_t at);
size_t LineEnd(std::string_view text, size_t at);

}  // namespace kb
