#include "freeze/content.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <span>

#include <fmt/core.h>

#include "base/workers.h"
#include "freeze/line.h"

namespace kb::freeze {
namespace {

constexpr size_t kChunk = 512;

// Finds lines of a block, and remembers which were found.
class Seen {
 public:
  explicit Seen(const Block& block)
      : lines_(block.lines), seen_(std::make_unique<std::atomic<bool>[]>(lines_.size())) {}

  // The line of the same subject, or an empty one.
  std::string_view Take(std::string_view line) {
    const Subject subject = SubjectOf(line);
    const auto found = std::ranges::lower_bound(lines_, subject, {}, SubjectOf);
    if (found == lines_.end() || SubjectOf(*found) != subject) return {};
    seen_[static_cast<size_t>(found - lines_.begin())].store(true, std::memory_order_relaxed);
    return *found;
  }

  void AddMissing(std::vector<Change>& changes) const {
    for (size_t i = 0; i < lines_.size(); ++i) {
      if (!seen_[i].load(std::memory_order_relaxed))
        changes.push_back({.was = lines_[i], .now = {}});
    }
  }

 private:
  std::span<const std::string_view> lines_;
  std::unique_ptr<std::atomic<bool>[]> seen_;  // false each
};

}  // namespace

std::vector<std::string> HeadLines(const graph::Graph& graph, int service) {
  const graph::Service& s = graph.services[static_cast<size_t>(service)];
  std::vector<std::string> lines;
  for (const int member : s.members) {
    lines.push_back(ServerLine(graph.model->servers[static_cast<size_t>(member)].name().text));
  }
  const auto& steps = s.manifest->steps;
  for (size_t i = 0; i < steps.size(); ++i) {
    lines.push_back(StepLine(steps[i], i + 1, graph.model->install_host.text));
  }
  std::ranges::sort(lines, {}, SubjectOf);
  return lines;
}

std::vector<Change> Compare(const Block& block, const Content& content, unsigned threads) {
  Seen seen(block);
  const auto compare = [&](std::string line, size_t file, std::vector<Change>& changes) {
    const std::string_view was = seen.Take(line);
    if (was != line) changes.push_back({.was = was, .now = std::move(line), .file = file});
  };
  std::vector<Change> changes;
  for (const std::string& line : content.head) compare(line, 0, changes);

  const size_t chunks = (content.files + kChunk - 1) / kChunk;
  std::vector<std::vector<Change>> found(chunks);
  ForEach(chunks, threads, [&](size_t chunk, unsigned) {
    const size_t end = std::min((chunk + 1) * kChunk, content.files);
    for (size_t i = chunk * kChunk; i < end; ++i) compare(content.file_line(i), i, found[chunk]);
  });
  for (auto& some : found) std::ranges::move(some, std::back_inserter(changes));
  seen.AddMissing(changes);
  std::ranges::sort(changes, {}, [](const Change& change) { return SubjectOf(change.line()); });
  return changes;
}

}  // namespace kb::freeze
