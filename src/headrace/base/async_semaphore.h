// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "headrace/base/mutex.h"
#include "headrace/base/task.h"

namespace headrace {

// A counted resource that tasks wait for in turn: first come, first served, so a large request is
// not starved by small ones. Threads: all methods may be called at once from any thread or loop.
class AsyncSemaphore {
 public:
  explicit AsyncSemaphore(uint64_t available) : limit_(available), available_(available) {}

  // Suspends until `count` is there, and takes it. A count above the limit waits for, and takes,
  // the whole.
  Task<void> Take(uint64_t count) HR_EXCLUDES(mutex_);
  // The same, blocking this thread, which must not be an event loop.
  void TakeBlocking(uint64_t count) HR_EXCLUDES(mutex_);
  // Gives back what was taken with the same count.
  void Give(uint64_t count) HR_EXCLUDES(mutex_);

  uint64_t available() const HR_EXCLUDES(mutex_);

 private:
  struct Waiter {
    uint64_t count;
    std::move_only_function<void()> resume;
  };
  // Calls `resume` at once or when the count has become available.
  void Enqueue(uint64_t count, std::move_only_function<void()> resume) HR_EXCLUDES(mutex_);
  uint64_t Capped(uint64_t count) const { return count < limit_ ? count : limit_; }

  const uint64_t limit_;
  mutable Mutex mutex_;
  uint64_t available_ HR_GUARDED_BY(mutex_);
  std::deque<Waiter> waiters_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace
