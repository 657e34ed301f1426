#include "base/workers.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace kb {
namespace {

TEST(ForEach, DoesEveryJobOnceWhateverTheThreads) {
  for (unsigned threads : {0u, 1u, 2u, 7u, 2000u}) {
    std::vector<int> done(1000);
    std::atomic<unsigned> highest_worker = 0;
    ForEach(done.size(), threads, [&](size_t i, unsigned worker) {
      ++done[i];
      unsigned seen = highest_worker;
      while (seen < worker && !highest_worker.compare_exchange_weak(seen, worker)) {
      }
    });
    EXPECT_EQ(done, std::vector<int>(done.size(), 1)) << threads;
    EXPECT_LT(highest_worker, std::max(threads, 1u));
  }
}

TEST(ForEach, StaysOnItsThreadWhenThereIsOne) {
  const auto here = std::this_thread::get_id();
  std::vector<size_t> order;
  ForEach(5, 1, [&](size_t i, unsigned) {
    EXPECT_EQ(std::this_thread::get_id(), here);
    order.push_back(i);
  });
  EXPECT_EQ(order, (std::vector<size_t>{0, 1, 2, 3, 4}));
}

TEST(ForEach, DoesNothingForNoJobs) {
  ForEach(0, 8, [](size_t, unsigned) { FAIL(); });
}

}  // namespace
}  // namespace kb
