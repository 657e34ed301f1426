// Whatever the bytes of a file and wherever a span points: an excerpt that stays on the screen and
// holds nothing that a terminal obeys.
#include "base/strings.h"
#include "diag/excerpt.h"
#include "fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size) {
  using namespace kb;
  if (size < 4) return 0;
  const std::string text = AsText(bytes + 4, size - 4);
  const size_t begin = (bytes[0] | bytes[1] << 8) % (text.size() + 1);
  const size_t end = begin + (bytes[2] | bytes[3] << 8) % (text.size() + 1 - begin);

  const Excerpt excerpt = MakeExcerpt(text, begin, end);
  KB_CHECK(excerpt.indent + excerpt.width <= 163);
  KB_CHECK(FindInvalidUtf8(excerpt.text) == std::string_view::npos);
  for (char c : excerpt.text) KB_CHECK(static_cast<uint8_t>(c) >= ' ' && c != 0x7F);

  Sources sources;
  Diagnostics diags;
  const Span file = sources.Add(text.substr(0, 20), text);
  const auto at = [&](size_t offset) { return file.begin + static_cast<uint32_t>(offset); };
  constexpr DiagKind<std::string_view> kKind{9999, Severity::kWarning, "{}"};
  diags.Emit(kKind, {at(begin), at(end)}, {.labels = {{{at(end), at(end)}, text}}, .help = text},
             text);
  PrintEverything(diags, sources);
  return 0;
}
