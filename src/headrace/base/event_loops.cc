// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/event_loops.h"

#include <pthread.h>
#include <signal.h>

#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>

#include "headrace/base/error.h"

namespace headrace {

struct EventLoops::Loop {
  // One thread runs this context, so Asio may leave its locks out where it can.
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  std::thread thread;
};

namespace {

// The kernel raises SIGPIPE in the thread that writes to a peer who is gone, and sendfile(2) and
// writev(2) know no MSG_NOSIGNAL. Blocked, the call says EPIPE, which is an error of that peer
// only.
void BlockBrokenPipeSignal() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGPIPE);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

}  // namespace

EventLoops::EventLoops(size_t thread_count) {
  HR_CHECK(thread_count > 0);
  for (size_t index = 0; index < thread_count; ++index) {
    auto loop = std::make_unique<Loop>();
    loop->thread = std::thread([context = &loop->context] {
      BlockBrokenPipeSignal();
      context->run();
    });
    pthread_setname_np(loop->thread.native_handle(), "headrace-loop");
    loops_.push_back(std::move(loop));
  }
}

EventLoops::~EventLoops() {
  for (const auto& loop : loops_) {
    loop->work.reset();
    loop->context.stop();
  }
  for (const auto& loop : loops_) loop->thread.join();
}

Executor EventLoops::At(size_t index) const { return loops_.at(index)->context.get_executor(); }

Executor EventLoops::Next() {
  return At(next_.fetch_add(1, std::memory_order_relaxed) % loops_.size());
}

}  // namespace headrace
