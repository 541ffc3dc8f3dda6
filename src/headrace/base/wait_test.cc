// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/wait.h"

#include <malloc.h>

#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "headrace/base/event_loops.h"

namespace headrace {
namespace {

constexpr std::chrono::hours kLong{1};

TEST(Wait, AStoppedSleepEndsAtOnce) {
  EventLoops loops(1);
  std::stop_source stop;
  auto slept = std::async(std::launch::async, [&] {
    return RunBlocking(loops.At(0), SleepUnlessStopped(kLong, stop.get_token()));
  });
  stop.request_stop();
  EXPECT_FALSE(slept.get());
  // Stopped before it began.
  EXPECT_FALSE(RunBlocking(loops.At(0), SleepUnlessStopped(kLong, stop.get_token())));
  EXPECT_TRUE(RunBlocking(loops.At(0), SleepUnlessStopped(std::chrono::nanoseconds(1), {})));
}

TEST(OneShotEvent, WakesWaitersOnEveryLoopAndThoseWhoComeLater) {
  EventLoops loops(2);
  OneShotEvent event;
  std::vector<std::future<bool>> waiters;
  for (int i = 0; i < 8; ++i) {
    waiters.push_back(std::async(std::launch::async,
                                 [&] { return RunBlocking(loops.Next(), event.Wait(kLong, {})); }));
  }
  event.Fire();
  for (auto& waiter : waiters) EXPECT_TRUE(waiter.get());
  EXPECT_TRUE(RunBlocking(loops.Next(), event.Wait(kLong, {})));
}

TEST(OneShotEvent, AWaitEndsByItsSpanOrStop) {
  EventLoops loops(1);
  const OneShotEvent event;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(RunBlocking(loops.At(0), event.Wait(kLong, stop.get_token())));
  EXPECT_FALSE(RunBlocking(loops.At(0), event.Wait(std::chrono::nanoseconds(1), {})));
}

Task<bool> WaitOften(const OneShotEvent& event, int count) {
  for (int i = 0; i < count; ++i) {
    if (co_await event.Wait(std::chrono::nanoseconds(1), {})) co_return true;
  }
  co_return false;
}

// An event that outlives many waits, a connection's say. (Sanitizers count no memory in use.)
TEST(OneShotEvent, WaitsWhoseTimeWentByLeaveNoMemoryBehind) {
  constexpr int kWaits = 10'000;
  constexpr size_t kBytesPerWait = 64;  // A timer takes more.
  EventLoops loops(1);
  const OneShotEvent event;
  EXPECT_FALSE(RunBlocking(loops.At(0), WaitOften(event, 100)));
  const size_t before = mallinfo2().uordblks;
  EXPECT_FALSE(RunBlocking(loops.At(0), WaitOften(event, kWaits)));
  EXPECT_LT(mallinfo2().uordblks, before + kWaits * kBytesPerWait);
}

}  // namespace
}  // namespace headrace
