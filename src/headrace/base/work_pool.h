// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "headrace/base/mutex.h"
#include "headrace/base/task.h"

namespace headrace {

// Threads for work that may block (file I/O, digests of large bodies), so that event loops never
// do. The queue has no limit of its own: what is queued holds a share of somebody's budget.
//
// Threads: Post may be called from any thread, a pool thread included. Destruction runs what is
// queued, then joins.
class WorkPool {
 public:
  explicit WorkPool(size_t thread_count);
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  void Post(std::move_only_function<void()> work) HR_EXCLUDES(mutex_);
  // Work waiting for a thread.
  size_t queued_count() const HR_EXCLUDES(mutex_);

 private:
  void Work() HR_EXCLUDES(mutex_);

  mutable Mutex mutex_;
  CondVar wakes_;
  std::deque<std::move_only_function<void()>> queue_ HR_GUARDED_BY(mutex_);
  bool is_ending_ HR_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

// Runs `function` on the pool and continues the calling task on its own loop with the value. The
// caller keeps what the function borrows alive until then.
template <typename Value>
Task<Value> RunOn(WorkPool& pool, std::move_only_function<Value()> function) {
  auto initiation = [&pool, function = std::move(function)](auto handler) mutable {
    pool.Post([handler = std::move(handler), function = std::move(function)]() mutable {
      Value value = function();
      auto executor = asio::get_associated_executor(handler);
      asio::post(executor, [handler = std::move(handler), value = std::move(value)]() mutable {
        std::move(handler)(std::move(value));
      });
    });
  };
  auto token = asio::use_awaitable;
  co_return co_await asio::async_initiate<decltype(token), void(Value)>(std::move(initiation),
                                                                        token);
}

}  // namespace headrace
