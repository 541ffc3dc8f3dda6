// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <stop_token>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/base/task.h"

namespace headrace {

// Closed until it is opened, once and for good; tasks wait at it without holding their thread.
//
// Threads: all methods may be called at once from any thread. Lifetime: outlives its waiters.
class Gate {
 public:
  Gate();
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void Open() HR_EXCLUDES(mutex_);
  bool is_open() const HR_EXCLUDES(mutex_);

  // Suspends the calling task until the gate is open; kTimedOut or kCancelled when `deadline` or
  // `stop` comes first.
  Task<Status> Wait(Deadline deadline, std::stop_token stop) HR_EXCLUDES(mutex_);

 private:
  struct Waiter;

  mutable Mutex mutex_;
  bool is_open_ HR_GUARDED_BY(mutex_) = false;
  std::vector<std::weak_ptr<Waiter>> waiters_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace
