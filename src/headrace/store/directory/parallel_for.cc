// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/directory/parallel_for.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <thread>

#include "headrace/base/mutex.h"

namespace headrace::directory {
namespace {

// Some 30 to 300 us of system calls on small files: far above the cost of a wake-up.
constexpr size_t kPieceSize = 64;
// More threads than this only queue for the locks of one folder.
constexpr size_t kHelpersMax = 3;

struct Work {
  size_t count = 0;
  const std::function<void(size_t, size_t)>* body = nullptr;
  std::atomic<size_t> next = 0;
  Mutex mutex;
  CondVar idle;
  size_t running HR_GUARDED_BY(mutex) = 0;
  bool is_over HR_GUARDED_BY(mutex) = false;

  void RunPieces() {
    while (true) {
      const size_t begin = next.fetch_add(kPieceSize);
      if (begin >= count) return;
      (*body)(begin, std::min(begin + kPieceSize, count));
    }
  }
  void RunAsHelper() {
    {
      const MutexLock lock(mutex);
      // What `body` refers to may be gone.
      if (is_over) return;
      ++running;
    }
    RunPieces();
    const MutexLock lock(mutex);
    if (--running == 0) idle.NotifyAll();
  }
};

}  // namespace

void ParallelFor(WorkPool& pool, size_t count, const std::function<void(size_t, size_t)>& body) {
  auto work = std::make_shared<Work>();
  work->count = count;
  work->body = &body;
  const size_t cores = std::max(1U, std::thread::hardware_concurrency());
  const size_t pieces = (count + kPieceSize - 1) / kPieceSize;
  const size_t helpers = pieces == 0 ? 0 : std::min({pieces - 1, cores - 1, kHelpersMax});
  for (size_t i = 0; i < helpers; ++i) pool.Post([work] { work->RunAsHelper(); });
  work->RunPieces();
  const MutexLock lock(work->mutex);
  work->is_over = true;
  while (work->running > 0) work->idle.Wait(work->mutex);
}

}  // namespace headrace::directory
