// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/gate.h"

#include <utility>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace headrace {

// A task that is suspended, as the timer it is suspended on.
struct Gate::Waiter : std::enable_shared_from_this<Waiter> {
  explicit Waiter(const Executor& executor) : timer(executor) {}

  // Ends the wait from any thread. Posted, so that it runs on the waiter's own loop and after the
  // wait has begun.
  void Wake() {
    asio::post(timer.get_executor(), [self = shared_from_this()] { self->timer.cancel(); });
  }

  asio::steady_timer timer;
};

Gate::Gate() = default;
Gate::~Gate() = default;

void Gate::Open() {
  std::vector<std::weak_ptr<Waiter>> waiters;
  {
    const MutexLock lock(mutex_);
    is_open_ = true;
    waiters.swap(waiters_);
  }
  for (const std::weak_ptr<Waiter>& weak : waiters) {
    if (const std::shared_ptr<Waiter> waiter = weak.lock()) waiter->Wake();
  }
}

bool Gate::is_open() const {
  const MutexLock lock(mutex_);
  return is_open_;
}

Task<Status> Gate::Wait(Deadline deadline, std::stop_token stop) {
  const Executor executor = co_await asio::this_coro::executor;
  const auto waiter = std::make_shared<Waiter>(executor);
  waiter->timer.expires_at(deadline.at().value_or(SteadyTime::max()));
  {
    const MutexLock lock(mutex_);
    if (is_open_) co_return Ok();
    std::erase_if(waiters_, [](const auto& weak) { return weak.expired(); });
    waiters_.push_back(waiter);
  }
  const auto wake = [raw = waiter.get()] { raw->Wake(); };
  const std::stop_callback on_stop(stop, wake);
  boost::system::error_code ignored;
  co_await waiter->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  if (is_open()) co_return Ok();
  if (stop.stop_requested()) co_return Fail(ErrorCode::kCancelled, "cancelled while waiting");
  co_return Fail(ErrorCode::kTimedOut, "the deadline passed while waiting");
}

}  // namespace headrace
