// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "headrace/base/mutex.h"

namespace headrace {

// Counts buffer bytes against one limit shared by everything that fetches in a process.
// Threads: all methods may be called at once from any thread.
class MemoryBudget {
 public:
  explicit MemoryBudget(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t taken_bytes() const HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return taken_bytes_;
  }
  // The most ever taken at once.
  uint64_t taken_bytes_max() const HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return taken_bytes_max_;
  }

  // Takes `size_bytes` and returns true, or changes nothing and returns false. A request larger
  // than the limit is granted when nothing else is taken, so that one oversized buffer can still
  // pass.
  bool TryTake(uint64_t size_bytes) HR_EXCLUDES(mutex_);
  // Returns bytes taken before.
  void Give(uint64_t size_bytes) HR_EXCLUDES(mutex_);

 private:
  const uint64_t limit_bytes_;
  mutable Mutex mutex_;
  uint64_t taken_bytes_ HR_GUARDED_BY(mutex_) = 0;
  uint64_t taken_bytes_max_ HR_GUARDED_BY(mutex_) = 0;
};

}  // namespace headrace
