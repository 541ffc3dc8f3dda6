// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/work_pool.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "headrace/base/async_semaphore.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"

namespace headrace {
namespace {

TEST(WorkPool, DestructionRunsWhatIsQueued) {
  std::atomic<int> ran = 0;
  {
    WorkPool pool(2);
    for (int i = 0; i < 100; ++i) pool.Post([&ran] { ++ran; });
  }
  EXPECT_EQ(ran, 100);
}

Task<std::string> HopThere(WorkPool& pool, std::thread::id& worker) {
  const auto loop_before = std::this_thread::get_id();
  auto held = std::make_shared<std::string>("a text too long for the small-string store");
  std::move_only_function<std::string()> work = [&worker, held] {
    worker = std::this_thread::get_id();
    return *held;
  };
  std::string value = co_await RunOn<std::string>(pool, std::move(work));
  EXPECT_EQ(std::this_thread::get_id(), loop_before);
  co_return value;
}

TEST(WorkPool, RunOnLeavesTheLoopAndComesBackToIt) {
  EventLoops loops(1);
  WorkPool pool(1);
  std::thread::id worker;
  EXPECT_EQ(RunBlocking(loops.At(0), HopThere(pool, worker)),
            "a text too long for the small-string store");
  EXPECT_NE(worker, std::thread::id());
  EXPECT_NE(worker, std::this_thread::get_id());
}

Task<int> TakeAndGive(AsyncSemaphore& semaphore, uint64_t count, std::atomic<uint64_t>& most,
                      std::atomic<uint64_t>& now) {
  co_await semaphore.Take(count);
  const uint64_t held = now += count;
  uint64_t seen = most;
  while (held > seen && !most.compare_exchange_weak(seen, held)) {
  }
  co_await Sleep(std::chrono::nanoseconds(1));
  now -= count;
  semaphore.Give(count);
  co_return 0;
}

TEST(AsyncSemaphore, NeverGivesMoreThanItHasAndGivesAllBack) {
  EventLoops loops(2);
  AsyncSemaphore semaphore(10);
  std::atomic<uint64_t> most = 0;
  std::atomic<uint64_t> now = 0;
  std::atomic<int> left = 200;
  std::promise<void> finished;
  for (int i = 0; i < 200; ++i) {
    Spawn(loops.Next(), TakeAndGive(semaphore, 1 + i % 7, most, now), [&](int) {
      if (--left == 0) finished.set_value();
    });
  }
  finished.get_future().wait();
  EXPECT_LE(most, 10U);
  EXPECT_EQ(semaphore.available(), 10U);
}

TEST(AsyncSemaphore, ARequestAboveTheLimitTakesTheWhole) {
  AsyncSemaphore semaphore(4);
  semaphore.TakeBlocking(100);
  EXPECT_EQ(semaphore.available(), 0U);
  semaphore.Give(100);
  EXPECT_EQ(semaphore.available(), 4U);
}

}  // namespace
}  // namespace headrace
