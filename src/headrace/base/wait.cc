// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/wait.h"

#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "headrace/base/mutex.h"

namespace headrace {
namespace {

// A timer that other threads may end early. Cancelling goes through its own executor because a
// timer belongs to one thread; a cancel that comes before the wait has begun still ends it.
struct EarlyTimer : std::enable_shared_from_this<EarlyTimer> {
  EarlyTimer(const asio::any_io_executor& executor, std::chrono::nanoseconds span)
      : timer(executor, std::chrono::duration_cast<asio::steady_timer::duration>(span)) {}

  void End() {
    asio::post(timer.get_executor(), [self = shared_from_this()] {
      self->was_ended = true;
      self->timer.cancel();
    });
  }

  asio::steady_timer timer;
  bool was_ended = false;  // Read and written on the timer's executor only.
};

// True: the whole time went by.
Task<bool> WaitFor(std::shared_ptr<EarlyTimer> timer, std::stop_token stop) {
  const std::stop_callback on_stop(stop, [weak = std::weak_ptr<EarlyTimer>(timer)] {
    if (const auto alive = weak.lock()) alive->End();
  });
  boost::system::error_code ignored;
  if (!timer->was_ended) {
    co_await timer->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  co_return !timer->was_ended;
}

}  // namespace

Task<bool> SleepUnlessStopped(std::chrono::nanoseconds span, std::stop_token stop) {
  const auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<EarlyTimer>(executor, span);
  co_return co_await WaitFor(std::move(timer), std::move(stop));
}

struct OneShotEvent::State {
  Mutex mutex;
  bool has_happened HR_GUARDED_BY(mutex) = false;
  std::vector<std::weak_ptr<EarlyTimer>> waiting HR_GUARDED_BY(mutex);
};

OneShotEvent::OneShotEvent() : state_(std::make_shared<State>()) {}

void OneShotEvent::Fire() {
  std::vector<std::weak_ptr<EarlyTimer>> woken;
  {
    const MutexLock lock(state_->mutex);
    state_->has_happened = true;
    woken.swap(state_->waiting);
  }
  for (const auto& weak : woken) {
    if (const auto timer = weak.lock()) timer->End();
  }
}

Task<bool> OneShotEvent::Wait(std::chrono::nanoseconds span, std::stop_token stop) const {
  const std::shared_ptr<State> state = state_;
  const auto executor = co_await asio::this_coro::executor;
  auto timer = std::make_shared<EarlyTimer>(executor, span);
  {
    const MutexLock lock(state->mutex);
    if (state->has_happened) co_return true;
    // Those whose time went by have left their entries behind. Looked for when the list would have
    // to grow, which costs each wait a constant on average.
    if (state->waiting.size() == state->waiting.capacity()) {
      std::erase_if(state->waiting, [](const auto& weak) { return weak.expired(); });
    }
    state->waiting.push_back(timer);
  }
  (void)co_await WaitFor(std::move(timer), std::move(stop));
  const MutexLock lock(state->mutex);
  co_return state->has_happened;
}

}  // namespace headrace
