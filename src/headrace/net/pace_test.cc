// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/pace.h"

#include <gtest/gtest.h>

namespace headrace::net {
namespace {

TEST(Pace, WithoutARateEverythingMayMove) {
  Pace pace(0);
  EXPECT_FALSE(pace.is_limited());
  EXPECT_EQ(pace.Allow(1'000'000'000, SteadyTime()), 1'000'000'000U);
}

TEST(Pace, ABodyTakesAsLongAsItsRateSays) {
  for (const uint64_t rate : {uint64_t{1'000}, uint64_t{150'000}, uint64_t{90'000'000}}) {
    Pace pace(rate);
    const SteadyTime start(std::chrono::seconds(1));
    SteadyTime now = start;
    uint64_t left = rate * 3;
    while (left > 0) {
      const size_t count = pace.Allow(left, now);
      if (count == 0) {
        ASSERT_GT(pace.Delay().count(), 0);
        now += pace.Delay();
        continue;
      }
      pace.Spend(count);
      left -= count;
    }
    // The bucket's first piece goes at once.
    const double seconds = std::chrono::duration<double>(now - start).count();
    EXPECT_LE(seconds, 3.0) << rate;
    EXPECT_GE(seconds, 3.0 - std::max(0.03, 2 * 1460.0 / static_cast<double>(rate))) << rate;
  }
}

TEST(Pace, APauseBuysNoMoreThanTheBucket) {
  Pace pace(1'000'000);
  const SteadyTime start(std::chrono::seconds(1));
  pace.Spend(pace.Allow(10'000, start));
  EXPECT_LE(pace.Allow(1'000'000, start + std::chrono::hours(1)), 20'000U);
}

TEST(Pace, ASmallMessageNeedsOnlyItsOwnBytes) {
  Pace pace(1'000'000);
  const SteadyTime start(std::chrono::seconds(1));
  pace.Spend(pace.Allow(9'900, start));
  EXPECT_EQ(pace.Allow(100, start), 100U);
  EXPECT_EQ(pace.Allow(1'000, start), 0U);
}

}  // namespace
}  // namespace headrace::net
