// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/read_turns.h"

#include <future>
#include <memory>
#include <stop_token>

#include <gtest/gtest.h>

#include "headrace/base/event_loops.h"

namespace headrace::fetch {
namespace {

class ReadTurnsTest : public ::testing::Test {
 protected:
  // Returns when it waits, or need not.
  std::future<bool> Take(uint64_t size_bytes, std::stop_token stop = {}) {
    auto promise = std::make_shared<std::promise<bool>>();
    auto taken = promise->get_future();
    Spawn(loops_.At(0), turns_.Take(size_bytes, {.deadline = {}, .stop = stop}),
          [promise](bool has_come) { promise->set_value(has_come); });
    Settle();
    return taken;
  }
  void Settle() { RunBlocking(loops_.At(0), Nothing()); }
  static bool IsReady(const std::future<bool>& taken) {
    return taken.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }
  static Task<bool> Nothing() { co_return true; }

  ReadTurns turns_{10};
  EventLoops loops_{1};
};

TEST_F(ReadTurnsTest, LetsInWhatThereIsRoomFor) {
  EXPECT_TRUE(Take(6).get());
  EXPECT_TRUE(Take(4).get());
  auto third = Take(1);
  EXPECT_FALSE(IsReady(third));
  turns_.Give(4);
  EXPECT_TRUE(third.get());
}

TEST_F(ReadTurnsTest, ALargeReadIsNotOvertakenBySmallOnes) {
  EXPECT_TRUE(Take(6).get());
  auto large = Take(10);
  auto small = Take(1);
  EXPECT_FALSE(IsReady(small));
  turns_.Give(6);
  EXPECT_TRUE(large.get());
  EXPECT_FALSE(IsReady(small));
  turns_.Give(10);
  EXPECT_TRUE(small.get());
}

TEST_F(ReadTurnsTest, WhoIsStoppedMakesRoomForThoseBehind) {
  EXPECT_TRUE(Take(6).get());
  std::stop_source stop;
  auto large = Take(10, stop.get_token());
  auto small = Take(4);
  EXPECT_FALSE(IsReady(small));
  stop.request_stop();
  EXPECT_FALSE(large.get());
  EXPECT_TRUE(small.get());
  turns_.Give(6);
  turns_.Give(4);
  EXPECT_TRUE(Take(10).get());
}

}  // namespace
}  // namespace headrace::fetch
