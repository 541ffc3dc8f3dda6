// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/hedge_policy.h"

#include <gtest/gtest.h>

namespace headrace::fetch {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kMebibyte = 1U << 20U;

TEST(RunningDistribution, FindsQuantilesToTheWidthOfABucket) {
  RunningDistribution spans;
  for (int i = 1; i <= 1000; ++i) spans.Add(milliseconds(i));
  EXPECT_GE(spans.Quantile(0.5), milliseconds(500));
  EXPECT_LE(spans.Quantile(0.5), milliseconds(550));
  EXPECT_GE(spans.Quantile(0.99), milliseconds(990));
  EXPECT_LE(spans.Quantile(0.99), milliseconds(1090));
}

TEST(RunningDistribution, ForgetsWhatIsOld) {
  RunningDistribution spans;
  for (int i = 0; i < 10'000; ++i) spans.Add(milliseconds(500));
  for (int i = 0; i < 60'000; ++i) spans.Add(milliseconds(5));
  EXPECT_LE(spans.Quantile(0.95), milliseconds(6));
}

HedgePolicy Experienced(HedgeOptions options = {}) {
  HedgePolicy policy(options);
  for (int i = 0; i < 1000; ++i) {
    policy.OnRequest();
    policy.OnPartEnd(milliseconds(i < 985 ? 30 : 90), 100 * 1024);
    policy.OnPartEnd(milliseconds(80), 8 * kMebibyte);
  }
  return policy;
}

TEST(HedgePolicy, KnowsNothingBeforeItHasSeenEnough) {
  HedgePolicy policy({});
  for (int i = 0; i < 50; ++i) policy.OnPartEnd(milliseconds(30), 100);
  EXPECT_FALSE(policy.CurrentLimits().LateAfter(100).has_value());
}

TEST(HedgePolicy, CallsTheSlowestHundredthLate) {
  const auto late_after = Experienced().CurrentLimits().LateAfter(100 * 1024);
  ASSERT_TRUE(late_after.has_value());
  EXPECT_GE(*late_after, milliseconds(90));
  EXPECT_LE(*late_after, milliseconds(100));
}

TEST(HedgePolicy, GivesLargeBodiesTheTimeTheyTake) {
  const auto late_after = Experienced().CurrentLimits().LateAfter(16 * kMebibyte);
  ASSERT_TRUE(late_after.has_value());
  EXPECT_GE(*late_after, milliseconds(2 * 160));
  EXPECT_LE(*late_after, milliseconds(400));
}

TEST(HedgePolicy, ANearStoresJitterIsNotLate) {
  HedgePolicy policy({});
  for (int i = 0; i < 1000; ++i) policy.OnPartEnd(std::chrono::microseconds(300 + i % 7), 100);
  EXPECT_GE(*policy.CurrentLimits().LateAfter(100), milliseconds(5));
}

TEST(HedgePolicy, SpendsNoMoreThanItsShareOfRequests) {
  HedgePolicy policy = Experienced({.share_max = 0.02});
  int started = 0;
  for (int i = 0; i < 10'000; ++i) {
    policy.OnRequest();
    if (policy.TryStart()) ++started;
  }
  EXPECT_LE(started, 200 + 16);
  EXPECT_GE(started, 199);
}

TEST(HedgePolicy, TurnedOffItNeverCallsAnythingLate) {
  HedgePolicy policy = Experienced({.share_max = 0});
  EXPECT_FALSE(policy.CurrentLimits().LateAfter(100).has_value());
  EXPECT_FALSE(policy.TryStart());
}

}  // namespace
}  // namespace headrace::fetch
