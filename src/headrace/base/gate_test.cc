// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/gate.h"

#include <future>

#include <gtest/gtest.h>

#include "headrace/base/event_loops.h"

namespace headrace {
namespace {

std::future<Status> StartWait(EventLoops& loops, Gate& gate, Deadline deadline,
                              const std::stop_token& stop) {
  auto promise = std::make_shared<std::promise<Status>>();
  std::future<Status> future = promise->get_future();
  Spawn(loops.Next(), gate.Wait(deadline, stop),
        [promise](Status status) { promise->set_value(std::move(status)); });
  return future;
}

TEST(Gate, OpeningLetsEveryWaiterThroughAndLaterOnesPassAtOnce) {
  EventLoops loops(2);
  Gate gate;
  auto first = StartWait(loops, gate, Deadline(), {});
  auto second = StartWait(loops, gate, Deadline(), {});
  EXPECT_FALSE(gate.is_open());
  gate.Open();
  EXPECT_TRUE(first.get().has_value());
  EXPECT_TRUE(second.get().has_value());
  EXPECT_TRUE(StartWait(loops, gate, Deadline(), {}).get().has_value());
}

TEST(Gate, AStopEndsTheWaitWithCancelled) {
  EventLoops loops(1);
  Gate gate;
  std::stop_source source;
  auto waiting = StartWait(loops, gate, Deadline(), source.get_token());
  source.request_stop();
  EXPECT_EQ(waiting.get().error().code(), ErrorCode::kCancelled);
}

TEST(Gate, APassedDeadlineEndsTheWaitWithTimedOut) {
  EventLoops loops(1);
  Gate gate;
  auto waiting = StartWait(loops, gate, Deadline(RealClock().Now()), {});
  EXPECT_EQ(waiting.get().error().code(), ErrorCode::kTimedOut);
}

TEST(Gate, LoopsEndWhileTasksWait) {
  Gate gate;
  {
    EventLoops loops(1);
    StartWait(loops, gate, Deadline(), {});
  }
  gate.Open();
  EXPECT_TRUE(gate.is_open());
}

}  // namespace
}  // namespace headrace
