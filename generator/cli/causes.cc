#include "cli/causes.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

namespace kb::cli {
namespace {

constexpr size_t kShownMax = 8;

// What a person wrote is what he can change; a template comes after.
int Rank(const Origin& origin) { return origin.kind == Origin::Kind::kModel ? 0 : 1; }

std::string Lines(std::string_view verb, size_t lines, std::string_view first) {
  if (lines == 1) return fmt::format("{} `{}`", verb, first);
  return fmt::format("{} {} changed lines, the first is `{}`", verb, lines, first);
}

}  // namespace

Causes::Cause& Causes::At(const Origin& origin) {
  const auto [place, fresh] =
      by_span_.try_emplace({origin.span.begin, origin.span.end}, causes_.size());
  if (fresh) causes_.push_back({.origin = origin, .message = {}, .first = {}});
  return causes_[place->second];
}

void Causes::AddLine(std::string_view artifact, uint32_t line, const std::vector<Origin>& origins) {
  for (const Origin& origin : origins) {
    Cause& cause = At(origin);
    if (++cause.lines == 1) cause.first = fmt::format("{}:{}", artifact, line);
  }
}

void Causes::AddPlace(Span span, std::string message) {
  if (!span.known()) return;
  Cause& cause = At({Origin::Kind::kModel, span});
  if (cause.message.empty()) cause.message = std::move(message);
}

std::vector<Label> Causes::Labels(const Sources& sources) const {
  std::vector<const Cause*> order;
  for (const Cause& cause : causes_) order.push_back(&cause);
  std::ranges::stable_sort(order, {}, [](const Cause* cause) {
    return std::pair(Rank(cause->origin), -static_cast<int64_t>(cause->lines));
  });
  std::vector<Label> labels;
  for (const Cause* cause : order) {
    if (labels.size() == kShownMax) break;
    const bool model = cause->origin.kind == Origin::Kind::kModel;
    const bool fallback = model && sources.PathOf(cause->origin.span).ends_with("/module.yaml");
    const std::string_view verb = fallback ? "is the default behind" : model ? "feeds" : "writes";
    labels.push_back({cause->origin.span, cause->message.empty()
                                              ? Lines(verb, cause->lines, cause->first)
                                              : cause->message});
  }
  if (order.size() > kShownMax) {
    labels.push_back({{}, fmt::format("{} more places are behind it", order.size() - kShownMax)});
  }
  return labels;
}

}  // namespace kb::cli
