#include "diag/source.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <limits>

#include "base/result.h"

namespace kb {
namespace {

std::vector<uint32_t> LineStarts(std::string_view bytes) {
  std::vector<uint32_t> starts = {0};
  for (size_t at = 0; (at = bytes.find('\n', at)) != std::string_view::npos;) {
    starts.push_back(static_cast<uint32_t>(++at));
  }
  return starts;
}

uint32_t CountCharacters(std::string_view utf8) {
  // Every byte that does not continue a sequence begins a character.
  return static_cast<uint32_t>(
      std::ranges::count_if(utf8, [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; }));
}

}  // namespace

Span Sources::Add(std::string path, std::string bytes) {
  return AddFile(std::move(path), std::move(bytes), {});
}

Span Sources::AddStatic(std::string path, std::string_view bytes) {
  return AddFile(std::move(path), {}, bytes);
}

Span Sources::AddFile(std::string path, std::string bytes, std::string_view view) {
  const size_t size = std::max(bytes.size(), view.size());
  // 4 GiB of input is a thousand times what the largest topology takes; a wrapped offset would
  // point into another file.
  KB_CHECK(size < std::numeric_limits<uint32_t>::max() - next_);
  File& file = files_.emplace_back(std::move(path), std::move(bytes), view, next_);
  if (view.empty()) file.bytes = file.owned;
  const Span span = {next_, next_ + static_cast<uint32_t>(size)};
  // The end of a file is a position in it ("something is missing here"), so files do not touch.
  next_ = span.end + 1;
  return span;
}

const Sources::File* Sources::FileAt(uint32_t offset) const {
  if (offset == 0 || offset >= next_) return nullptr;
  const auto after = std::ranges::upper_bound(files_, offset, {}, &File::begin);
  return &*std::prev(after);
}

std::string_view Sources::Text(Span span) const {
  const File* file = FileAt(span.begin);
  if (!file || span.end <= span.begin) return {};
  return file->bytes.substr(span.begin - file->begin, span.end - span.begin);
}

std::string_view Sources::PathOf(Span span) const {
  const File* file = FileAt(span.begin);
  return file ? std::string_view(file->path) : std::string_view();
}

Place Sources::Locate(uint32_t offset) const {
  const File* file = FileAt(offset);
  if (!file) return {};
  std::call_once(file->lines_once, [&] { file->lines = LineStarts(file->bytes); });
  const uint32_t at = offset - file->begin;
  const auto line = std::prev(std::ranges::upper_bound(file->lines, at));
  const std::string_view rest = file->bytes.substr(*line);
  std::string_view text = rest.substr(0, rest.find('\n'));
  if (text.ends_with('\r')) text.remove_suffix(1);
  return {.path = file->path,
          .line = static_cast<uint32_t>(line - file->lines.begin()) + 1,
          .column = CountCharacters(rest.substr(0, at - *line)) + 1,
          .line_text = text,
          .line_begin = file->begin + *line};
}

Span Sources::SpanOf(Span file_span, std::string_view part) const {
  const File* file = FileAt(file_span.begin);
  if (!file || part.data() == nullptr) return {};
  const char* begin = file->bytes.data();
  const char* end = begin + file->bytes.size();
  // Comparing pointers into different arrays with < has no meaning; std::less gives it one.
  constexpr std::less<const char*> kBefore;
  if (kBefore(part.data(), begin) || kBefore(end, part.data() + part.size())) return {};
  const auto offset = file->begin + static_cast<uint32_t>(part.data() - begin);
  return {offset, offset + static_cast<uint32_t>(part.size())};
}

}  // namespace kb
