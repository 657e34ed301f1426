#include "run/table.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/core.h>

#include "run/show.h"

namespace kb::run {
namespace {

constexpr size_t kNameMax = 24;
constexpr size_t kWhatMax = 34;
constexpr size_t kSpanColumns = 7;
// Narrower than this, the last line of output says nothing any more and is left out.
constexpr size_t kLastMin = 12;

struct Layout {
  size_t name = 0, what = 0, span = 0, last = 0;
};

Layout LayOut(const Board& board, size_t columns) {
  Layout layout;
  for (const auto& [server, row] : board.rows()) {
    const std::string& name = board.plan().servers[static_cast<size_t>(server)].name;
    layout.name = std::max(layout.name, ColumnsOf(name));
  }
  // Of all steps, also of those to come: columns that jump cannot be read.
  layout.what = board.what_columns();
  layout.name = std::min({layout.name, kNameMax, columns});
  size_t left = columns - layout.name;
  const auto take = [&](size_t wanted) {
    if (left < 3) return size_t{0};
    const size_t taken = std::min(wanted, left - 2);
    left -= taken + 2;
    return taken;
  };
  layout.what = take(std::clamp<size_t>(layout.what, 8, kWhatMax));
  layout.span = left >= kSpanColumns + 2 ? take(kSpanColumns) : 0;
  layout.last = left >= kLastMin + 2 ? left - 2 : 0;
  return layout;
}

std::string_view ColorOf(Doing doing) {
  switch (doing) {
    case Doing::kFailed:
      return "\x1b[1;31m";
    case Doing::kLost:
      return "\x1b[33m";
    case Doing::kDone:
      return "\x1b[32m";
    case Doing::kWaiting:
      return "\x1b[2m";
    default:
      return "";
  }
}

bool IsActive(Doing doing) { return doing != Doing::kWaiting && doing != Doing::kDone; }

TableLine Colored(std::string text, std::string_view color, Paint paint) {
  while (text.ends_with(' ')) text.pop_back();
  const size_t columns = ColumnsOf(text);
  if (paint == Paint::kColors && !color.empty()) text = fmt::format("{}{}\x1b[0m", color, text);
  return {std::move(text), columns};
}

TableLine DrawRow(const Board& board, int server, const BoardRow& row, const Layout& layout,
                  Time now, Paint paint) {
  const bool idle = !IsActive(row.doing);
  std::string text = Pad(board.plan().servers[static_cast<size_t>(server)].name, layout.name);
  if (layout.what > 0) text += "  " + Pad(row.what, layout.what);
  if (layout.span > 0) {
    const bool timed = !idle && row.doing != Doing::kFailed;
    text += fmt::format("  {:>{}}", timed ? Span(now - row.since) : "", layout.span);
  }
  if (layout.last > 0 && row.doing != Doing::kDone) text += "  " + Fit(row.last, layout.last);
  return Colored(std::move(text), ColorOf(row.doing), paint);
}

TableLine DrawRest(const std::vector<Doing>& rest, size_t columns, Paint paint) {
  const auto of = [&](auto&& which) {
    return static_cast<size_t>(std::ranges::count_if(rest, which));
  };
  const size_t done = of([](Doing d) { return d == Doing::kDone; });
  const size_t waiting = of([](Doing d) { return d == Doing::kWaiting; });
  std::string text = fmt::format("… {} more", rest.size());
  std::string_view separator = ": ";
  for (const auto& [count, word] : {std::pair{rest.size() - done - waiting, "at work"},
                                    std::pair{waiting, "waiting"}, std::pair{done, "done"}}) {
    if (count == 0) continue;
    text += fmt::format("{}{} {}", separator, count, word);
    separator = ", ";
  }
  return Colored(Fit(text, columns), "\x1b[2m", paint);
}

TableLine DrawHead(const Board& board, std::string_view title, Time now, size_t columns,
                   Paint paint) {
  size_t active = 0;
  for (const auto& [server, row] : board.rows()) {
    active += IsActive(row.doing) && row.doing != Doing::kFailed;
  }
  std::string text =
      fmt::format("{}: {} of {}, {} at work, {}", title, board.done() + board.skipped(),
                  Count(board.tasks(), "step"), Count(active, "server"), Span(now - board.began()));
  if (!board.failures().empty()) text += fmt::format(", {} FAILED", board.failures().size());
  if (board.stopping()) {
    text = fmt::format("finishing what runs; Ctrl-C once more leaves at once; {}", text);
  }
  return Colored(Fit(text, columns), "\x1b[1m", paint);
}

}  // namespace

std::vector<TableLine> DrawTable(const Board& board, std::string_view title, Time now,
                                 size_t columns, size_t lines, Paint paint) {
  std::vector<TableLine> table;
  if (lines == 0 || columns == 0) return table;
  table.push_back(DrawHead(board, title, now, columns, paint));
  const Layout layout = LayOut(board, columns);
  const bool all_fit = board.rows().size() < lines;
  // The rest takes a line as well.
  size_t room = all_fit ? board.rows().size() : lines < 2 ? 0 : lines - 2;
  std::vector<Doing> rest;
  for (const auto& [server, row] : board.rows()) {
    if (room > 0 && (all_fit || IsActive(row.doing))) {
      table.push_back(DrawRow(board, server, row, layout, now, paint));
      --room;
    } else {
      rest.push_back(row.doing);
    }
  }
  if (!rest.empty() && lines >= 2) table.push_back(DrawRest(rest, columns, paint));
  return table;
}

}  // namespace kb::run
