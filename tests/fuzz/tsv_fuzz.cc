// Whatever the bytes: no crash, cells that are what their spans cover, whole rows.
#include "fuzz/fuzz.h"
#include "syntax/tsv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace kb;
  Sources sources;
  Diagnostics diags;
  const Span file = sources.Add("fuzz.tsv", AsText(bytes, size));
  const Checked<Tsv> tsv = ParseTsv(file, sources, diags);
  KB_CHECK(tsv.has_value() || diags.has_errors());
  if (tsv) {
    KB_CHECK(tsv->cells.size() == tsv->rows() * tsv->columns());
    uint32_t before = file.begin;
    for (const Cell& cell : tsv->cells) {
      KB_CHECK(sources.Text(cell.span) == cell.text);
      KB_CHECK(cell.span.begin >= before && cell.span.end <= file.end);
      KB_CHECK(!cell.text.contains('\t') && !cell.text.contains('\n'));
      before = cell.span.end;
    }
  }
  PrintEverything(diags, sources);
  return 0;
}
