#include "cli/trace.h"

#include <algorithm>

namespace kb::cli {
namespace {

void AddOnce(std::vector<Origin>& origins, Origin origin) {
  if (origin.span.known() && std::ranges::find(origins, origin) == origins.end()) {
    origins.push_back(origin);
  }
}

// Which part of the template a part of the output is: literal text is there letter by letter, so
// the place in it is known; of a hole only the whole.
Origin OriginOf(std::string_view text, Stretch part, size_t segment_begin, size_t segment_end,
                const tmpl::Segment& segment, const Sources& sources) {
  const std::string_view written = text.substr(segment_begin, segment_end - segment_begin);
  if (segment.model.known() || sources.Text(segment.tmpl) != written) {
    return {Origin::Kind::kHole, segment.tmpl};
  }
  const auto at = [&](size_t offset) {
    return segment.tmpl.begin + static_cast<uint32_t>(offset - segment_begin);
  };
  return {Origin::Kind::kLiteral, {at(part.begin), at(part.end)}};
}

bool OnOneLine(Span a, Span b, const Sources& sources) {
  return sources.Locate(a.begin).line_begin == sources.Locate(b.begin).line_begin;
}

}  // namespace

std::optional<Stretch> FindLine(std::string_view text, uint64_t line) {
  size_t begin = 0;
  for (; line > 1; --line) {
    const size_t end = text.find('\n', begin);
    if (end == std::string_view::npos) return std::nullopt;
    begin = end + 1;
  }
  if (line == 0 || begin >= text.size()) return std::nullopt;
  return Stretch{begin, std::min(text.find('\n', begin), text.size())};
}

std::vector<Origin> OriginsOf(std::string_view text, Stretch line,
                              std::span<const tmpl::Segment> segments, const Sources& sources) {
  std::vector<Origin> origins;
  for (size_t i = 0; i < segments.size(); ++i) {
    const size_t begin = segments[i].out_begin;
    const size_t end = i + 1 < segments.size() ? segments[i + 1].out_begin : text.size();
    const Stretch part = {std::max(begin, line.begin), std::min(end, line.end)};
    // An empty line still came from somewhere: from the segment that holds its end.
    const bool holds_end = begin <= line.end && line.end < end;
    if (part.begin > part.end ||
        (part.begin == part.end && !(holds_end && line.begin == line.end))) {
      continue;
    }
    AddOnce(origins, OriginOf(text, part, begin, end, segments[i], sources));
    AddOnce(origins, {Origin::Kind::kModel, segments[i].model});
  }
  const auto all = origins;
  std::erase_if(origins, [&](const Origin& origin) {
    if (origin.kind != Origin::Kind::kLiteral) return false;
    return std::ranges::any_of(all, [&](const Origin& other) {
      return other.kind == Origin::Kind::kHole && OnOneLine(origin.span, other.span, sources);
    });
  });
  return origins;
}

}  // namespace kb::cli
