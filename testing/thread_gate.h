// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>

#include "headrace/base/mutex.h"

namespace headrace::testing {

// Holds threads of a scripted world until the test opens it: instead of a delay. (Tasks wait at
// base/gate.h.) Threads: all methods may be called at once from any thread.
class ThreadGate {
 public:
  static std::shared_ptr<ThreadGate> Make() { return std::make_shared<ThreadGate>(); }

  void Open() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    is_open_ = true;
    changed_.NotifyAll();
  }
  // Blocks until the gate is open.
  void Wait() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++arrived_count_;
    changed_.NotifyAll();
    while (!is_open_) changed_.Wait(mutex_);
  }
  // Blocks until so many threads have come to the gate: then the world is where the test wants it.
  void AwaitArrivals(size_t count) HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (arrived_count_ < count) changed_.Wait(mutex_);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  bool is_open_ HR_GUARDED_BY(mutex_) = false;
  size_t arrived_count_ HR_GUARDED_BY(mutex_) = 0;
};

}  // namespace headrace::testing
