#include "write/pass.h"

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/workers.h"

namespace kb::write {
namespace {

constexpr size_t kKeptMax = 256 * 1024;

// On its own cache line: workers write here all the time.
struct alignas(64) Worker {
  std::string text;
  Scratch scratch;
  std::vector<std::pair<uint32_t, Diagnostics>> reports;  // only of items that had something to say
  std::optional<std::pair<uint32_t, Error>> error;
};

class Pass {
 public:
  Pass(const Source& source, unsigned threads, const UseBytes& use)
      : source_(source), use_(use), workers_(std::max(threads, 1u)) {}

  void Do(uint32_t item, unsigned number) {
    if (stopped_.load(std::memory_order_relaxed)) return;
    Worker& worker = workers_[number];
    worker.text.clear();
    Diagnostics diags;
    const bool good = source_.Render(item, worker.text, diags) && !diags.has_errors();
    if (!good) flawed_.store(true, std::memory_order_relaxed);
    if (!diags.all().empty()) worker.reports.emplace_back(item, std::move(diags));
    if (flawed_.load(std::memory_order_relaxed)) return;

    Result<void> used = use_(item, worker.text, worker.scratch);
    // What one artifact took is kept for the next, but not what only the largest ones take.
    if (worker.text.capacity() > kKeptMax) std::string().swap(worker.text);
    if (used) return;
    stopped_.store(true, std::memory_order_relaxed);
    worker.error.emplace(item, std::move(used).error());
  }

  Result<void> Finish(Diagnostics& diags) {
    std::vector<std::pair<uint32_t, Diagnostics>> reports;
    std::optional<std::pair<uint32_t, Error>> error;
    for (Worker& worker : workers_) {
      std::ranges::move(worker.reports, std::back_inserter(reports));
      if (worker.error && (!error || worker.error->first < error->first)) {
        error = std::move(worker.error);
      }
    }
    std::ranges::sort(reports, {}, [](const auto& report) { return report.first; });
    for (auto& [item, report] : reports) diags.Append(std::move(report));
    if (error) return std::unexpected(std::move(error->second));
    return {};
  }

 private:
  const Source& source_;
  const UseBytes& use_;
  std::vector<Worker> workers_;
  std::atomic<bool> flawed_ = false;   // something was reported: render on, use nothing
  std::atomic<bool> stopped_ = false;  // the environment failed: nothing more makes sense
};

}  // namespace

Result<void> RenderAll(const Source& source, unsigned threads, const UseBytes& use,
                       Diagnostics& diags) {
  Pass pass(source, threads, use);
  ForEach(source.size(), threads,
          [&](size_t i, unsigned worker) { pass.Do(static_cast<uint32_t>(i), worker); });
  return pass.Finish(diags);
}

Result<void> RenderSome(const Source& source, std::span<const uint32_t> items, unsigned threads,
                        const UseBytes& use, Diagnostics& diags) {
  Pass pass(source, threads, use);
  ForEach(items.size(), threads, [&](size_t i, unsigned worker) { pass.Do(items[i], worker); });
  return pass.Finish(diags);
}

}  // namespace kb::write
