// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/endpoint_throttle.h"

#include <gtest/gtest.h>

namespace headrace::s3 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EndpointThrottleTest : public ::testing::Test {
 protected:
  // A second of answers, of which every `every`th says to slow down; 0: none.
  void AnswerForASecond(int rate, int every) {
    for (int i = 1; i <= rate; ++i) {
      now_ += std::chrono::nanoseconds(1'000'000'000 / rate);
      if (every > 0 && i % every == 0) {
        throttle_.OnSlowDown(now_);
      } else {
        throttle_.OnAnswer();
      }
    }
  }
  // How many requests are let through in a second, each sent when it may be.
  int SentInASecond() {
    const SteadyTime end = now_ + seconds(1);
    int sent = 0;
    for (SteadyTime at = now_; at < end && sent < 100'000; ++sent) {
      at += throttle_.Take(at);
      now_ = at;
    }
    now_ = end;
    return sent;
  }

  SteadyTime now_{seconds(100)};
  EndpointThrottle throttle_{ThrottleOptions{}};
};

TEST_F(EndpointThrottleTest, AFewSlowDownsLimitNothing) {
  for (int i = 0; i < 10; ++i) AnswerForASecond(2000, 200);
  EXPECT_FALSE(throttle_.is_limiting());
  EXPECT_EQ(throttle_.Take(now_), std::chrono::nanoseconds(0));
}

TEST_F(EndpointThrottleTest, ManyLimitAllRequestsBelowWhatWasAnswered) {
  AnswerForASecond(1000, 2);
  ASSERT_TRUE(throttle_.is_limiting());
  EXPECT_LT(SentInASecond(), 500);
}

TEST_F(EndpointThrottleTest, RecoversUntilNothingIsLimited) {
  AnswerForASecond(1000, 2);
  const int at_first = SentInASecond();
  now_ += seconds(2);
  const int later = SentInASecond();
  EXPECT_GT(later, at_first);
  now_ += seconds(10);
  EXPECT_EQ(throttle_.Take(now_), std::chrono::nanoseconds(0));
  EXPECT_FALSE(throttle_.is_limiting());
}

TEST_F(EndpointThrottleTest, GoesDownFurtherWhileSlowDownsGoOn) {
  AnswerForASecond(1000, 2);
  const int at_first = SentInASecond();
  AnswerForASecond(300, 2);
  AnswerForASecond(150, 2);
  EXPECT_LT(SentInASecond(), at_first);
}

TEST_F(EndpointThrottleTest, LetsAFewRequestsThroughWhateverHappens) {
  for (int i = 0; i < 20; ++i) AnswerForASecond(100, 1);
  EXPECT_GE(SentInASecond(), 9);
}

}  // namespace
}  // namespace headrace::s3
