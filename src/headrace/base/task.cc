// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/task.h"

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace headrace {

Task<void> Sleep(std::chrono::nanoseconds span) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::duration_cast<asio::steady_timer::duration>(span));
  boost::system::error_code ignored;
  co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Task<Executor> ThisExecutor() { co_return co_await asio::this_coro::executor; }

}  // namespace headrace
