#include "diag/diagnostic.h"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace kb {
namespace {

auto KeyOf(const Label& label) { return std::tie(label.span.begin, label.span.end, label.message); }

auto KeyOf(const Diagnostic& diagnostic) {
  return std::tie(diagnostic.span.begin, diagnostic.code, diagnostic.span.end, diagnostic.severity,
                  diagnostic.message, diagnostic.help, diagnostic.source);
}

// Any total order will do: it only has to bring repeats together.
std::strong_ordering Compare(const Diagnostic& a, const Diagnostic& b) {
  if (const auto order = KeyOf(a) <=> KeyOf(b); order != 0) return order;
  return std::lexicographical_compare_three_way(
      a.labels.begin(), a.labels.end(), b.labels.begin(), b.labels.end(),
      [](const Label& x, const Label& y) { return KeyOf(x) <=> KeyOf(y); });
}

}  // namespace

Reported Diagnostics::Add(uint16_t code, Severity severity, Span span, std::string message,
                          Extra extra) {
  if (severity == Severity::kError) ++errors_;
  all_.push_back({.code = code,
                  .severity = severity,
                  .span = span,
                  .message = std::move(message),
                  .labels = std::move(extra.labels),
                  .help = std::move(extra.help),
                  .source = std::move(extra.source),
                  .hidden = extra.hidden});
  return Reported();
}

Checked<Done> Diagnostics::Gate() const {
  if (has_errors()) return std::unexpected(Reported());
  return Done{};
}

Diagnostics Diagnostics::Of(std::vector<Diagnostic> diagnostics) {
  Diagnostics diags;
  diags.all_ = std::move(diagnostics);
  for (const Diagnostic& d : diags.all_) diags.errors_ += d.severity == Severity::kError ? 1 : 0;
  return diags;
}

void Diagnostics::Append(Diagnostics&& other) {
  errors_ += std::exchange(other.errors_, 0);
  all_.insert(all_.end(), std::make_move_iterator(other.all_.begin()),
              std::make_move_iterator(other.all_.end()));
  other.all_.clear();
}

std::vector<Diagnostic> Diagnostics::Sorted() const {
  std::vector<size_t> order(all_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // Indices break ties, which keeps the first of several repeats.
  std::ranges::sort(order, [&](size_t a, size_t b) {
    const auto compared = Compare(all_[a], all_[b]);
    return compared == 0 ? a < b : compared < 0;
  });
  const auto repeats = std::ranges::unique(
      order, [&](size_t a, size_t b) { return Compare(all_[a], all_[b]) == 0; });
  order.erase(repeats.begin(), repeats.end());
  // Where place and code are the same, the order in which they were found reads best.
  std::ranges::sort(order, {},
                    [&](size_t i) { return std::tuple(all_[i].span.begin, all_[i].code, i); });
  std::vector<Diagnostic> sorted;
  sorted.reserve(order.size());
  for (size_t i : order) sorted.push_back(all_[i]);
  return sorted;
}

}  // namespace kb
