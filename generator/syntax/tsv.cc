#include "syntax/tsv.h"

#include <algorithm>
#include <optional>

#include "diag/kinds.h"
#include "syntax/bytes.h"

namespace kb {
namespace {

class TsvReader {
 public:
  TsvReader(Span file, std::string_view text, Diagnostics& diags)
      : text_(text), file_begin_(file.begin), diags_(&diags) {}

  Checked<Tsv> Read() {
    const auto separators =
        std::ranges::count_if(text_, [](char c) { return c == '\t' || c == '\n'; });
    tsv_.cells.reserve(static_cast<size_t>(separators) + 1);
    while (line_begin_ < text_.size()) {
      const size_t end = std::min(text_.find('\n', line_begin_), text_.size());
      ReadLine(text_.substr(line_begin_, end - line_begin_));
      line_begin_ = end + 1;
    }
    if (tsv_.header.empty()) {
      return std::unexpected(diags_->Emit(diag::kTsvEmpty, SpanAt(0, 0)));
    }
    return std::move(tsv_);
  }

 private:
  void ReadLine(std::string_view line) {
    // The carriage return itself is reported by CheckBytes.
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(' ') == std::string_view::npos) {
      if (!blank_line_) blank_line_ = SpanAt(line_begin_, line.size());
      return;
    }
    // Whether a blank line stands at the end is known when something follows it.
    if (blank_line_) diags_->Emit(diag::kTsvBlankLine, *blank_line_);
    blank_line_.reset();
    if (tsv_.header.empty())
      SplitInto(tsv_.header, line);
    else
      ReadRow(line);
  }

  void ReadRow(std::string_view line) {
    const size_t row_begin = tsv_.cells.size();
    SplitInto(tsv_.cells, line);
    const size_t found = tsv_.cells.size() - row_begin;
    const size_t wanted = tsv_.header.size();
    if (found == wanted) return;
    // Points at the first cell that is too many, or behind the last where one is missing.
    const uint32_t line_end = SpanAt(line_begin_, line.size()).end;
    const bool surplus = found > wanted;
    const Span span = {surplus ? tsv_.cells[row_begin + wanted].span.begin : line_end, line_end};
    std::string help;
    if (!surplus) help = fmt::format("the cell of `{}` is missing", tsv_.header[found].text);
    diags_->Emit(diag::kTsvCellCount, span, {.help = std::move(help)}, static_cast<int64_t>(wanted),
                 static_cast<int64_t>(found));
    tsv_.cells.resize(row_begin);
  }

  void SplitInto(std::vector<Cell>& cells, std::string_view line) {
    for (size_t begin = 0;;) {
      const size_t end = std::min(line.find('\t', begin), line.size());
      cells.push_back({line.substr(begin, end - begin), SpanAt(line_begin_ + begin, end - begin)});
      if (end == line.size()) return;
      begin = end + 1;
    }
  }

  Span SpanAt(size_t begin, size_t size) const {
    const uint32_t at = file_begin_ + static_cast<uint32_t>(begin);
    return {at, at + static_cast<uint32_t>(size)};
  }

  std::string_view text_;
  uint32_t file_begin_;
  Diagnostics* diags_;  // outlives the reader
  Tsv tsv_;
  size_t line_begin_ = 0;
  std::optional<Span> blank_line_;  // the first of a run that no row has followed yet
};

}  // namespace

Checked<Tsv> ParseTsv(Span file, const Sources& sources, Diagnostics& diags) {
  // Cells are found by ASCII alone, so what is wrong with the bytes does not hide what is wrong
  // with the rows.
  static_cast<void>(CheckBytes(file, sources, diags));
  return TsvReader(file, sources.Text(file), diags).Read();
}

}  // namespace kb
