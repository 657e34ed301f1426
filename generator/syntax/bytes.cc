#include "syntax/bytes.h"

#include <algorithm>
#include <vector>

#include "base/strings.h"
#include "diag/kinds.h"

namespace kb {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kLinesShown = 10;

bool IsControl(char c) {
  const auto byte = static_cast<uint8_t>(c);
  return (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7F;
}

// Looks at every byte without a branch, so that the usual answer comes quickly.
bool HasControl(std::string_view text) {
  unsigned found = 0;
  for (char c : text) found |= static_cast<unsigned>(IsControl(c));
  return found != 0;
}

// Where lines first hold what `find` finds; the count goes on when the places do not.
struct Finds {
  std::vector<size_t> at;
  size_t lines = 0;
};

template <class Find>
Finds FindInLines(std::string_view text, Find find) {
  Finds finds;
  for (size_t at = 0; at < text.size();) {
    const size_t found = find(text.substr(at));
    if (found == std::string_view::npos) break;
    if (++finds.lines <= kLinesShown) finds.at.push_back(at + found);
    const size_t line_end = text.find('\n', at + found);
    if (line_end == std::string_view::npos) break;
    at = line_end + 1;
  }
  return finds;
}

size_t FindCarriageReturn(std::string_view text) {
  for (size_t at = 0; (at = text.find('\r', at)) != std::string_view::npos; ++at) {
    if (at + 1 == text.size() || text[at + 1] == '\n') return at;
  }
  return std::string_view::npos;
}

size_t FindControl(std::string_view text) {
  for (size_t at = 0; at < text.size(); ++at) {
    const bool ends_line = text[at] == '\r' && (at + 1 == text.size() || text[at + 1] == '\n');
    if (IsControl(text[at]) && !ends_line) return at;
  }
  return std::string_view::npos;
}

// The last place that is shown tells how many are not.
std::string HelpAt(const Finds& finds, size_t index, std::string_view help) {
  if (index + 1 < finds.at.size() || finds.lines == finds.at.size()) return std::string(help);
  std::string text = fmt::format("{} more lines have it", finds.lines - finds.at.size());
  if (!help.empty()) text.append("; ").append(help);
  return text;
}

}  // namespace

Checked<Done> CheckBytes(Span file, const Sources& sources, Diagnostics& diags) {
  const std::string_view text = sources.Text(file);
  const size_t errors_before = diags.errors();
  const auto span_at = [&](size_t at, size_t size) {
    const uint32_t begin = file.begin + static_cast<uint32_t>(at);
    return Span{begin, begin + static_cast<uint32_t>(size)};
  };
  if (text.starts_with(kByteOrderMark)) {
    diags.Emit(diag::kByteOrderMark, span_at(0, kByteOrderMark.size()));
  }

  const Finds bad = FindInLines(text, FindInvalidUtf8);
  for (size_t i = 0; i < bad.at.size(); ++i) {
    diags.Emit(diag::kNotUtf8, span_at(bad.at[i], 1), {.help = HelpAt(bad, i, "")});
  }
  if (HasControl(text)) {
    const Finds returns = FindInLines(text, FindCarriageReturn);
    for (size_t i = 0; i < returns.at.size(); ++i) {
      diags.Emit(diag::kCarriageReturn, span_at(returns.at[i], 1),
                 {.help = HelpAt(returns, i, "save the file with line feeds alone")});
    }
    const Finds controls = FindInLines(text, FindControl);
    for (size_t i = 0; i < controls.at.size(); ++i) {
      const int64_t code = static_cast<uint8_t>(text[controls.at[i]]);
      diags.Emit(diag::kControlCharacter, span_at(controls.at[i], 1),
                 {.help = HelpAt(controls, i, "")}, code);
    }
  }
  if (diags.errors() == errors_before) return Done{};
  return diags.Gate();
}

}  // namespace kb
