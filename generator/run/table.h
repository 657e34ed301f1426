// Table: the board as lines for a terminal of a given size.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "run/board.h"

namespace kb::run {

enum class Paint : uint8_t { kNone, kColors };

struct TableLine {
  std::string text;    // with colours, when there are any
  size_t columns = 0;  // that it takes
};

// A headline and a line for each server; with more servers than lines those that something happens
// on, and what the others do as numbers. Never more than `lines` lines of `columns` columns.
std::vector<TableLine> DrawTable(const Board& board, std::string_view title, Time now,
                                 size_t columns, size_t lines, Paint paint);

}  // namespace kb::run
