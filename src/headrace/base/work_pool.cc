// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/work_pool.h"

#include <pthread.h>

#include <utility>

#include "headrace/base/error.h"

namespace headrace {

WorkPool::WorkPool(size_t thread_count) {
  HR_CHECK(thread_count > 0);
  for (size_t index = 0; index < thread_count; ++index) {
    threads_.emplace_back([this] { Work(); });
    pthread_setname_np(threads_.back().native_handle(), "headrace-work");
  }
}

WorkPool::~WorkPool() {
  {
    const MutexLock lock(mutex_);
    is_ending_ = true;
  }
  wakes_.NotifyAll();
  for (auto& thread : threads_) thread.join();
}

void WorkPool::Post(std::move_only_function<void()> work) {
  {
    const MutexLock lock(mutex_);
    queue_.push_back(std::move(work));
  }
  wakes_.NotifyOne();
}

size_t WorkPool::queued_count() const {
  const MutexLock lock(mutex_);
  return queue_.size();
}

void WorkPool::Work() {
  while (true) {
    std::move_only_function<void()> work;
    {
      const MutexLock lock(mutex_);
      while (queue_.empty() && !is_ending_) wakes_.Wait(mutex_);
      if (queue_.empty()) return;
      work = std::move(queue_.front());
      queue_.pop_front();
    }
    work();
  }
}

}  // namespace headrace
