#include "syntax/extent.h"

#include <algorithm>

#include "base/strings.h"

namespace kb {
namespace {

bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\n'; }
bool IsFlow(char c) { return std::string_view(",[]{}").contains(c); }

size_t SpacesAt(std::string_view text, size_t at) {
  return std::min(text.find_first_not_of(' ', at), text.size()) - at;
}

}  // namespace

std::optional<size_t> PlainEnd(std::string_view text, size_t begin, std::string_view value) {
  if (text.substr(begin, value.size()) == value) return begin + value.size();
  // A plain scalar begins with what is not blank. Folding makes one blank of a line end and the
  // blanks around it, and drops one of several line ends; everything else is as it was written.
  if (value.empty() || IsBlank(value[0])) return std::nullopt;
  size_t at = begin;
  for (size_t i = 0; i < value.size();) {
    if (at == text.size()) return std::nullopt;
    if (text[at] == value[i]) {
      ++at;
      ++i;
    } else if (IsBlank(text[at])) {
      ++at;
    } else if (IsBlank(value[i])) {
      ++i;
    } else {
      return std::nullopt;
    }
  }
  return at;
}

std::optional<size_t> QuotedEnd(std::string_view text, size_t begin) {
  const char quote = text[begin];
  const std::string_view stops = quote == '"' ? "\"\\" : "'";
  for (size_t at = begin + 1;;) {
    at = text.find_first_of(stops, at);
    if (at == std::string_view::npos) return std::nullopt;
    const bool doubled = quote == '\'' && text.substr(at).starts_with("''");
    if (text[at] == quote && !doubled) return at + 1;
    at += 2;
  }
}

size_t BlockEnd(std::string_view text, size_t begin, int outer) {
  const size_t header_end = LineEnd(text, begin);
  const std::string_view header = text.substr(begin, header_end - begin);
  const size_t least = static_cast<size_t>(std::max(outer, 0));
  // `|2`, `>-1`: the indentation is told. Else the first line that is not blank shows it.
  size_t indent = outer < 0 ? 1 : least + 1;
  bool detect = true;
  for (char c : header.substr(1, 2)) {
    if (!IsDigit(c)) continue;
    indent = least + static_cast<size_t>(c - '0');
    detect = false;
  }

  size_t end = header_end;
  for (size_t line = header_end + 1; line < text.size();) {
    const size_t line_end = LineEnd(text, line);
    const size_t spaces = SpacesAt(text, line);
    const bool blank = line + spaces == line_end;
    if (detect) indent = std::max(indent, spaces);
    if (!blank) {
      if (spaces < indent || IsDocumentMarker(text, line)) break;
      detect = false;
      end = line_end;
    }
    line = line_end + 1;
  }
  // Without any line, the header alone is the scalar, and a comment behind it is none of it.
  return end == header_end ? WordEnd(text, begin) : end;
}

size_t SkipBlanks(std::string_view text, size_t at) {
  while (at < text.size()) {
    if (text[at] == '#')
      at = LineEnd(text, at);
    else if (IsBlank(text[at]))
      ++at;
    else
      break;
  }
  return at;
}

size_t WordEnd(std::string_view text, size_t begin) {
  size_t end = begin;
  while (end < text.size() && !IsBlank(text[end]) && !IsFlow(text[end])) ++end;
  return end;
}

size_t NullWordAt(std::string_view text, size_t at) {
  const auto ends_at = [&](size_t end) {
    return end >= text.size() || IsBlank(text[end]) || IsFlow(text[end]);
  };
  for (std::string_view word : {"~", "null", "Null", "NULL"}) {
    if (!text.substr(at).starts_with(word)) continue;
    const size_t end = at + word.size();
    const bool key = end < text.size() && text[end] == ':' && ends_at(end + 1);
    if (key || ends_at(end)) return word.size();
  }
  return 0;
}

bool IsDocumentMarker(std::string_view text, size_t at) {
  if (LineBegin(text, at) != at) return false;
  const std::string_view word = text.substr(at, 3);
  if (word != "---" && word != "...") return false;
  return at + 3 == text.size() || IsBlank(text[at + 3]);
}

size_t LineBegin(std::string_view text, size_t at) {
  const size_t before = at == 0 ? std::string_view::npos : text.rfind('\n', at - 1);
  return before == std::string_view::npos ? 0 : before + 1;
}

size_t LineEnd(std::string_view text, size_t at) {
  return std::min(text.find('\n', at), text.size());
}

}  // namespace kb
