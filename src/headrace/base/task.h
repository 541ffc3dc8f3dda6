// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <utility>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

// The one place that says what a coroutine is here. Layers above net use these names and never
// Asio's own.
namespace headrace {

namespace asio = boost::asio;

// A coroutine that runs on an event-loop thread and gives a T. It starts when awaited or spawned.
template <typename T>
using Task = asio::awaitable<T>;
using Executor = asio::any_io_executor;

// Starts `task` on `executor` and calls `done` there with its value. Exceptions do not cross our
// borders: one that leaves a task is a bug and ends the process.
template <typename T, typename Done>
void Spawn(const Executor& executor, Task<T> task, Done done) {
  asio::co_spawn(executor, std::move(task),
                 [done = std::move(done)](const std::exception_ptr& failure, T value) mutable {
                   if (failure) std::terminate();
                   done(std::move(value));
                 });
}

// Starts `task` and forgets it.
inline void SpawnDetached(const Executor& executor, Task<void> task) {
  asio::co_spawn(executor, std::move(task), [](const std::exception_ptr& failure) {
    if (failure) std::terminate();
  });
}

// Runs `task` on `executor` and blocks this thread, which must not be one of the executor's, until
// it has its value.
template <typename T>
T RunBlocking(const Executor& executor, Task<T> task) {
  std::promise<T> promise;
  auto future = promise.get_future();
  Spawn(executor, std::move(task),
        [promise = std::move(promise)](T value) mutable { promise.set_value(std::move(value)); });
  return future.get();
}

// Suspends the calling task for `span` or until `deadline`.
Task<void> Sleep(std::chrono::nanoseconds span);

// The executor the calling task runs on.
Task<Executor> ThisExecutor();

}  // namespace headrace
