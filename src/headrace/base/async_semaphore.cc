// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/async_semaphore.h"

#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "headrace/base/error.h"

namespace headrace {

void AsyncSemaphore::Enqueue(uint64_t count, std::move_only_function<void()> resume) {
  count = Capped(count);
  {
    const MutexLock lock(mutex_);
    if (!waiters_.empty() || available_ < count) {
      waiters_.push_back({.count = count, .resume = std::move(resume)});
      return;
    }
    available_ -= count;
  }
  resume();
}

Task<void> AsyncSemaphore::Take(uint64_t count) {
  auto initiation = [this, count](auto handler) {
    Enqueue(count, [handler = std::move(handler)]() mutable {
      auto executor = asio::get_associated_executor(handler);
      asio::post(executor, std::move(handler));
    });
  };
  auto token = asio::use_awaitable;
  co_await asio::async_initiate<decltype(token), void()>(std::move(initiation), token);
}

void AsyncSemaphore::TakeBlocking(uint64_t count) {
  // Shared with the giver: it may still be inside set_value when this thread wakes.
  auto promise = std::make_shared<std::promise<void>>();
  auto future = promise->get_future();
  Enqueue(count, [promise] { promise->set_value(); });
  future.wait();
}

void AsyncSemaphore::Give(uint64_t count) {
  std::vector<std::move_only_function<void()>> resumed;
  {
    const MutexLock lock(mutex_);
    available_ += Capped(count);
    HR_CHECK(available_ <= limit_);
    while (!waiters_.empty() && waiters_.front().count <= available_) {
      available_ -= waiters_.front().count;
      resumed.push_back(std::move(waiters_.front().resume));
      waiters_.pop_front();
    }
  }
  for (auto& resume : resumed) resume();
}

uint64_t AsyncSemaphore::available() const {
  const MutexLock lock(mutex_);
  return available_;
}

}  // namespace headrace
