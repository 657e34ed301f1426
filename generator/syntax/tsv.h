// Tsv: reads a table of tab-separated cells, one span a cell.
#pragma once

#include <string_view>
#include <vector>

#include "diag/diagnostic.h"
#include "diag/source.h"

namespace kb {

struct Cell {
  std::string_view text;
  Span span;
};

// Rows hold exactly header.size() cells each; a row that does not is reported and left out. Cells
// lie in one vector, row after row.
struct Tsv {
  std::vector<Cell> header;
  std::vector<Cell> cells;

  size_t columns() const { return header.size(); }
  size_t rows() const { return header.empty() ? 0 : cells.size() / header.size(); }
  const Cell& at(size_t row, size_t column) const { return cells[row * header.size() + column]; }
};

// Parses `file`. Refuses CR, a BOM, bytes that are not UTF-8, blank lines between rows (blank
// lines at the end are fine), rows with too few or too many cells: each at its line and cell
// (wrong bytes: no more than ten lines of a kind).
Checked<Tsv> ParseTsv(Span file, const Sources& sources, Diagnostics& diags);

}  // namespace kb
