// Workers: runs independent jobs on several threads.
#pragma once

#include <cstddef>
#include <functional>

namespace kb {

// Calls `job(i, worker)` once for each i in [0, count), on up to `threads` threads (1: on this
// one). Jobs are taken in order, finish in any, and must not touch each other's data. `worker` is
// in [0, threads): a job may use scratch space that belongs to it.
void ForEach(size_t count, unsigned threads, const std::function<void(size_t, unsigned)>& job);

}  // namespace kb
