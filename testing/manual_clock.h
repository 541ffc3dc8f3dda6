// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/clock.h"
#include "headrace/base/mutex.h"

namespace headrace::testing {

// A clock that stands still until a test moves it.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(SystemTime wall_now = {}) : wall_now_(wall_now) {}

  SteadyTime Now() const override HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return now_;
  }
  SystemTime WallNow() const override HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return wall_now_;
  }
  void Advance(std::chrono::nanoseconds span) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    now_ += std::chrono::duration_cast<SteadyTime::duration>(span);
    wall_now_ += span;
  }

 private:
  mutable Mutex mutex_;
  SteadyTime now_ HR_GUARDED_BY(mutex_){};
  SystemTime wall_now_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::testing
