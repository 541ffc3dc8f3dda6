// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <memory>

#include "headrace/base/mutex.h"
#include "headrace/base/task.h"
#include "headrace/base/wait.h"
#include "headrace/store/object_store.h"

namespace headrace::fetch {

// Lets reads that hold some of their memory while they wait for the rest go on together only as far
// as there is memory for all of them: otherwise each may hold what another waits for, for ever.
// First come, first served. Threads: all methods may be called at once from any thread or loop.
class ReadTurns {
 public:
  explicit ReadTurns(uint64_t size_bytes_max) : size_bytes_max_(size_bytes_max) {}

  // The most that one read may ask for.
  uint64_t size_bytes_max() const { return size_bytes_max_; }

  // True: it is this read's turn, until it gives so many bytes back. False: stopped or late before.
  Task<bool> Take(uint64_t size_bytes, CallContext context) HR_EXCLUDES(mutex_);
  void Give(uint64_t size_bytes) HR_EXCLUDES(mutex_);

 private:
  struct Waiter {
    uint64_t size_bytes = 0;
    OneShotEvent come;
    bool has_come = false;  // Guarded by the lock of the turns.
  };
  void LetIn() HR_REQUIRES(mutex_);

  const uint64_t size_bytes_max_;
  Mutex mutex_;
  uint64_t taken_bytes_ HR_GUARDED_BY(mutex_) = 0;
  // As many as there are reads that wait; each has a task of its own.
  std::deque<std::shared_ptr<Waiter>> waiting_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::fetch
