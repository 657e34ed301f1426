#include "base/workers.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

namespace kb {

void ForEach(size_t count, unsigned threads, const std::function<void(size_t, unsigned)>& job) {
  if (threads <= 1 || count <= 1) {
    for (size_t i = 0; i < count; ++i) job(i, 0);
    return;
  }
  std::atomic<size_t> next = 0;
  const auto work = [&](unsigned worker) {
    for (size_t i; (i = next.fetch_add(1, std::memory_order_relaxed)) < count;) job(i, worker);
  };
  const unsigned workers = static_cast<unsigned>(std::min<size_t>(threads, count));
  std::vector<std::jthread> others;
  others.reserve(workers - 1);
  try {
    for (unsigned worker = 1; worker < workers; ++worker) others.emplace_back(work, worker);
  } catch (const std::system_error&) {  // NOLINT(bugprone-empty-catch)
    // The system gives no more threads: those that run do all the jobs.
  }
  work(0);
}

}  // namespace kb
