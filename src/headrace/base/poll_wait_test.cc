// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/poll_wait.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(PollMilliseconds, RoundsUpAndStaysInRange) {
  using namespace std::chrono_literals;
  const SteadyTime now{100s};
  EXPECT_EQ(PollMilliseconds(Deadline(), now), -1);
  EXPECT_EQ(PollMilliseconds(Deadline(now + 1ns), now), 1);
  EXPECT_EQ(PollMilliseconds(Deadline(now + 1500us), now), 2);
  EXPECT_EQ(PollMilliseconds(Deadline(now - 5s), now), 0);
  EXPECT_EQ(PollMilliseconds(Deadline(now + 24h * 365), now), std::numeric_limits<int>::max());
}

}  // namespace
}  // namespace headrace
