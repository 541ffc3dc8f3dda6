// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/retry.h"

#include <gtest/gtest.h>

namespace headrace::s3 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Error Answered(ErrorCode code, int status) { return {code, "x", Origin{.http_status = status}}; }

std::optional<std::chrono::nanoseconds> Decide(const Error& error, uint32_t attempt_index,
                                               double random_unit = 0.0) {
  return DecideRetry(RetryOptions{}, {.error = error, .attempt_index = attempt_index}, random_unit);
}

TEST(Retry, OnlyErrorsThatMayPassAreTriedAgain) {
  EXPECT_TRUE(Decide(Answered(ErrorCode::kThrottled, 503), 0));
  EXPECT_TRUE(Decide(Answered(ErrorCode::kUnavailable, 500), 0));
  EXPECT_TRUE(Decide(Answered(ErrorCode::kTimedOut, 408), 0));
  EXPECT_TRUE(Decide(Error(ErrorCode::kUnavailable, "reset"), 0));
  EXPECT_TRUE(Decide(Error(ErrorCode::kCorrupt, "checksum"), 0));
  for (const ErrorCode code :
       {ErrorCode::kInvalidArgument, ErrorCode::kNotFound, ErrorCode::kPermissionDenied,
        ErrorCode::kPreconditionFailed, ErrorCode::kAlreadyExists, ErrorCode::kCancelled,
        ErrorCode::kResourceExhausted, ErrorCode::kUnsupported, ErrorCode::kInternal}) {
    EXPECT_FALSE(Decide(Error(code, "x"), 0)) << ErrorCodeName(code);
  }
}

TEST(Retry, DelaysDoubleUpToTheirMaximumAndVaryByHalf) {
  const RetryOptions options{.delay_first = milliseconds(10),
                             .delay_again = milliseconds(200),
                             .delay_max = milliseconds(500)};
  EXPECT_EQ(RetryDelay(options, 0, 0.0), milliseconds(5));
  EXPECT_EQ(RetryDelay(options, 1, 0.5), milliseconds(150));
  EXPECT_EQ(RetryDelay(options, 2, 0.0), milliseconds(200));
  EXPECT_EQ(RetryDelay(options, 9, 0.0), milliseconds(250));
  EXPECT_EQ(RetryDelay(options, 4'000'000'000, 0.0), milliseconds(250));
}

TEST(Retry, OneFailureByItselfCostsLittleMoreThanTheSecondTry) {
  EXPECT_LE(*Decide(Answered(ErrorCode::kThrottled, 503), 0, 0.99), milliseconds(50));
  EXPECT_GE(*Decide(Answered(ErrorCode::kThrottled, 503), 1), milliseconds(200));
}

TEST(Retry, ThrottlingIsOutlastedForHalfAMinuteAtLeast) {
  std::chrono::nanoseconds total{0};
  for (uint32_t attempt_index = 0;; ++attempt_index) {
    const auto delay = Decide(Answered(ErrorCode::kThrottled, 503), attempt_index);
    if (!delay) break;
    total += *delay;
  }
  EXPECT_GE(total, seconds(30));
}

TEST(Retry, AServerThatDoesNotAnswerIsGivenUpSooner) {
  EXPECT_TRUE(Decide(Error(ErrorCode::kUnavailable, "refused"), 2));
  EXPECT_FALSE(Decide(Error(ErrorCode::kUnavailable, "refused"), 3));
  EXPECT_TRUE(Decide(Answered(ErrorCode::kThrottled, 503), 3));
}

TEST(Retry, DamagedBytesAreAskedForOnceMore) {
  EXPECT_TRUE(Decide(Error(ErrorCode::kCorrupt, "checksum"), 0));
  EXPECT_FALSE(Decide(Error(ErrorCode::kCorrupt, "checksum"), 1));
}

TEST(Retry, RetryAfterIsHonouredUpToALimit) {
  const Error error = Answered(ErrorCode::kThrottled, 503);
  const auto decide = [&](seconds after) {
    return DecideRetry(RetryOptions{}, {.error = error, .retry_after = after}, 0.0);
  };
  EXPECT_EQ(decide(seconds(7)), seconds(7));
  EXPECT_EQ(decide(seconds(3600)), seconds(60));
  EXPECT_EQ(decide(seconds(0)), milliseconds(25));
}

TEST(Retry, NoWaitPassesTheDeadline) {
  const Error error = Answered(ErrorCode::kThrottled, 503);
  const SteadyTime now{};
  const auto decide = [&](milliseconds left) {
    return DecideRetry(RetryOptions{},
                       {.error = error, .deadline = Deadline::After(left, now), .now = now}, 0.0);
  };
  EXPECT_TRUE(decide(milliseconds(26)));
  EXPECT_FALSE(decide(milliseconds(25)));
}

TEST(RetryPacer, LetsABurstThroughAndSpreadsTheRest) {
  RetryPacer pacer({.burst_retries = 2, .retries_per_second = 10});
  const SteadyTime now = SteadyTime() + seconds(1000);
  EXPECT_EQ(pacer.Take(now), seconds(0));
  EXPECT_EQ(pacer.Take(now), seconds(0));
  EXPECT_EQ(pacer.Take(now), milliseconds(100));
  EXPECT_EQ(pacer.Take(now), milliseconds(200));
  // What was taken in advance is refilled first; an hour fills no more than the burst.
  EXPECT_EQ(pacer.Take(now + milliseconds(200)), milliseconds(100));
  EXPECT_EQ(pacer.Take(now + seconds(3600)), seconds(0));
  EXPECT_EQ(pacer.Take(now + seconds(3600)), seconds(0));
  EXPECT_EQ(pacer.Take(now + seconds(3600)), milliseconds(100));
}

}  // namespace
}  // namespace headrace::s3
