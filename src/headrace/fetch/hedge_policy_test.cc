// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/hedge_policy.h"

#include <gtest/gtest.h>

namespace headrace::fetch {
namespace {

using std::chrono::milliseconds;
using Lateness = HedgePolicy::Lateness;

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

// Answers begin after 30 ms, slow ones after 90, and bring a mebibyte each 10 ms.
HedgePolicy Experienced(HedgeOptions options = {}) {
  HedgePolicy policy(options);
  for (int i = 0; i < 1000; ++i) {
    const milliseconds first_byte(i < 980 ? 30 : 90);
    policy.OnRequest();
    policy.OnPartEnd(first_byte, first_byte + milliseconds(1), 100 * 1024);
    policy.OnPartEnd(first_byte, first_byte + milliseconds(80), 8 * kMebibyte);
  }
  return policy;
}

TEST(HedgePolicy, KnowsNothingBeforeItHasSeenEnough) {
  HedgePolicy policy({});
  for (int i = 0; i < 50; ++i) policy.OnPartEnd(milliseconds(30), milliseconds(31), 100);
  EXPECT_FALSE(policy.CurrentLimits().LateWithoutAnswer().has_value());
  EXPECT_FALSE(policy.CurrentLimits().LateAfter(100).has_value());
}

TEST(HedgePolicy, CallsTheSlowestFirstBytesLate) {
  const auto late_after = Experienced().CurrentLimits().LateWithoutAnswer();
  ASSERT_TRUE(late_after.has_value());
  EXPECT_GE(*late_after, milliseconds(90));
  EXPECT_LE(*late_after, milliseconds(100));
}

TEST(HedgePolicy, GivesASmallBodyThatHasBegunAsLongAgain) {
  const auto limits = Experienced().CurrentLimits();
  EXPECT_EQ(*limits.LateAfter(100 * 1024), 2 * *limits.LateWithoutAnswer());
}

TEST(HedgePolicy, GivesLargeBodiesTheTimeTheyTake) {
  const auto late_after = Experienced().CurrentLimits().LateAfter(16 * kMebibyte);
  ASSERT_TRUE(late_after.has_value());
  EXPECT_GE(*late_after, milliseconds(90 + 2 * 160));
  EXPECT_LE(*late_after, milliseconds(470));
}

TEST(HedgePolicy, ANearStoresJitterIsNotLate) {
  HedgePolicy policy({});
  for (int i = 0; i < 1000; ++i) {
    const std::chrono::microseconds first_byte(300 + i % 7);
    policy.OnPartEnd(first_byte, first_byte, 100);
  }
  EXPECT_GE(*policy.CurrentLimits().LateWithoutAnswer(), milliseconds(5));
}

TEST(HedgePolicy, ASmallRequestIsLateByItsTimeAlone) {
  const auto limits = Experienced().CurrentLimits();
  HedgePolicy::Flight flight{.elapsed = milliseconds(80), .size_bytes = 1, .others_in_flight = 9};
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kUsual);
  flight.elapsed = milliseconds(110);
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kLate);
  flight.elapsed = milliseconds(200);
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kOverdue);
}

TEST(HedgePolicy, ALargePartThatWaitsItsTurnIsNotLate) {
  const auto limits = Experienced().CurrentLimits();
  HedgePolicy::Flight flight{.elapsed = milliseconds(110),
                             .size_bytes = 8 * kMebibyte,
                             .ended_since = 30,
                             .others_in_flight = 31};
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kUsual);
  // Two windows of others have come since: it is this one's trouble.
  flight.ended_since = 62;
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kLate);
  // But for its bytes, which have begun to come, there is more time.
  flight.is_answered = true;
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kUsual);
}

TEST(HedgePolicy, ALargePartAloneIsLateByItsTime) {
  const auto limits = Experienced().CurrentLimits();
  EXPECT_EQ(limits.LatenessOf({.elapsed = milliseconds(110), .size_bytes = 8 * kMebibyte}),
            Lateness::kLate);
}

TEST(HedgePolicy, WhereNothingMovesLargePartsAreLateInTheEnd) {
  const auto limits = Experienced().CurrentLimits();
  HedgePolicy::Flight flight{
      .elapsed = milliseconds(200), .size_bytes = 8 * kMebibyte, .others_in_flight = 7};
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kUsual);
  flight.elapsed = milliseconds(400);
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kLate);
  flight.elapsed = milliseconds(800);
  EXPECT_EQ(limits.LatenessOf(flight), Lateness::kOverdue);
}

TEST(HedgePolicy, SpendsNoMoreThanItsShareOfRequests) {
  HedgePolicy policy = Experienced({.share_max = 0.02});
  int started = 0;
  for (int i = 0; i < 10'000; ++i) {
    policy.OnRequest();
    if (!policy.MayHedge(Lateness::kOverdue)) continue;
    policy.OnHedge();
    ++started;
  }
  EXPECT_LE(started, 200 + 20);
  EXPECT_GE(started, 199);
}

TEST(HedgePolicy, WhatIsLateByChanceLeavesBudgetForWhatIsOverdue) {
  HedgePolicy policy = Experienced();
  for (int i = 0; i < 10'000; ++i) policy.OnRequest();
  int by_chance = 0;
  for (; policy.MayHedge(Lateness::kLate); ++by_chance) policy.OnHedge();
  EXPECT_EQ(by_chance, 16);
  // No request starts any more, and a silent one still gets its hedge.
  EXPECT_TRUE(policy.MayHedge(Lateness::kOverdue));
}

TEST(HedgePolicy, AShortRunHedgesWhatIsLateToo) {
  HedgePolicy policy({.share_max = 0.02});
  for (int i = 0; i < 101; ++i) policy.OnRequest();
  EXPECT_TRUE(policy.MayHedge(Lateness::kLate));
}

TEST(HedgePolicy, AHedgeIsGivenUpWhenARequestWithoutAnswerWouldBeOverdue) {
  // Late after 90 ms without an answer.
  EXPECT_EQ(Experienced().CurrentLimits().HedgeAnswerTimeout(), milliseconds(250));
  HedgePolicy slow({});
  for (int i = 0; i < 1000; ++i) slow.OnPartEnd(milliseconds(400), milliseconds(400), 1);
  const HedgePolicy::Limits limits = slow.CurrentLimits();
  EXPECT_EQ(limits.HedgeAnswerTimeout(), 2 * *limits.LateWithoutAnswer());
  EXPECT_EQ(HedgePolicy({}).CurrentLimits().HedgeAnswerTimeout(), std::nullopt);
}

TEST(HedgePolicy, TurnedOffItNeverCallsAnythingLate) {
  HedgePolicy policy = Experienced({.share_max = 0});
  EXPECT_FALSE(policy.CurrentLimits().LateWithoutAnswer().has_value());
  EXPECT_FALSE(policy.MayHedge(Lateness::kOverdue));
}

}  // namespace
}  // namespace headrace::fetch
