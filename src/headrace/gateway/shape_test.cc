// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/shape.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::gateway {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

constexpr std::string_view kFull =
    "first-byte=30ms,jitter=lognormal:0.5,per-connection=90MB/s,error-503=0.5%,reset=0.1%,"
    "silent=0.3%:2s,seed=7";

TEST(ParseShape, TakesEverySetting) {
  const auto shape = ParseShape(kFull);
  ASSERT_TRUE(shape.has_value()) << shape.error().message();
  EXPECT_EQ(shape->first_byte, milliseconds(30));
  EXPECT_EQ(shape->jitter_lognormal, 0.5);
  EXPECT_EQ(shape->per_connection_bytes, 90'000'000U);
  EXPECT_DOUBLE_EQ(shape->error_503, 0.005);
  EXPECT_DOUBLE_EQ(shape->reset, 0.001);
  EXPECT_DOUBLE_EQ(shape->silent, 0.003);
  EXPECT_EQ(shape->silent_for, milliseconds(2000));
  EXPECT_EQ(shape->seed, 7U);
  EXPECT_EQ(ParseShape("per-connection=1.5MiB/s")->per_connection_bytes, 1'572'864U);
  EXPECT_EQ(ParseShape("reset=1")->reset, 1);
}

TEST(ParseShape, SaysWhatIsWrongAndHowItIsWritten) {
  struct Case {
    std::string_view text;
    std::string_view word;
  };
  for (const Case& one : {Case{"first-byte=30", "30ms"},
                          {"first-byte=-1ms", "30ms"},
                          {"first-byte=601s", "600"},
                          {"first-byte=nanms", "30ms"},
                          {"first-byte", "30ms"},
                          {"first-byte=1ms,jitter=0.5", "lognormal:0.5"},
                          {"first-byte=1ms,jitter=lognormal:9", "0 to 3"},
                          {"jitter=lognormal:1", "first-byte"},
                          {"per-connection=90", "90MB/s"},
                          {"per-connection=0MB/s", "90MB/s"},
                          {"error-503=101%", "0% to 100%"},
                          {"silent=1%", "silent=0.3%:2s"},
                          {"silent=1%:", "silent=0.3%:2s"},
                          {"seed=x", "whole number"},
                          {"speed=1", "per-connection"},
                          {"", "first-byte"},
                          {"seed=1,", "no setting"},
                          {"seed=1,seed=2", "twice"},
                          {"reset=60%,error-503=60%", "100%"}}) {
    const auto shape = ParseShape(one.text);
    ASSERT_FALSE(shape.has_value()) << one.text;
    EXPECT_THAT(shape.error().message(), HasSubstr(one.word)) << one.text;
    EXPECT_THAT(shape.error().message(), HasSubstr("--shape")) << one.text;
  }
}

TEST(FateOf, IsTheSameForTheSameSeedAndOrdinal) {
  const Shape shape = ParseShape(kFull).value();
  Shape other = shape;
  other.seed = 8;
  size_t differing = 0;
  for (uint64_t ordinal = 1000; ordinal-- > 0;) {
    const Fate fate = FateOf(shape, ordinal);
    const Fate again = FateOf(shape, ordinal);
    EXPECT_EQ(fate.kind, again.kind);
    EXPECT_EQ(fate.delay, again.delay);
    EXPECT_EQ(fate.reset_share, again.reset_share);
    if (FateOf(other, ordinal).delay != fate.delay) ++differing;
  }
  EXPECT_GT(differing, 990U);
}

TEST(FateOf, KeepsItsShares) {
  const Shape shape = ParseShape("error-503=10%,reset=5%,silent=20%:1s").value();
  std::array<int, 4> counts{};
  constexpr int kRequests = 100'000;
  for (uint64_t ordinal = 0; ordinal < kRequests; ++ordinal) {
    const Fate fate = FateOf(shape, ordinal);
    ++counts[static_cast<size_t>(fate.kind)];
    EXPECT_EQ(fate.delay, fate.kind == FateKind::kSilent ? milliseconds(1000) : milliseconds(0));
  }
  EXPECT_NEAR(counts[static_cast<size_t>(FateKind::kError503)], kRequests * 0.10, 500);
  EXPECT_NEAR(counts[static_cast<size_t>(FateKind::kReset)], kRequests * 0.05, 500);
  EXPECT_NEAR(counts[static_cast<size_t>(FateKind::kSilent)], kRequests * 0.20, 500);
}

TEST(FateOf, JitterKeepsTheMedianAndStretchesTheTail) {
  const Shape shape = ParseShape("first-byte=30ms,jitter=lognormal:0.5").value();
  std::vector<double> delays_ms;
  for (uint64_t ordinal = 0; ordinal < 20'000; ++ordinal) {
    delays_ms.push_back(
        std::chrono::duration<double, std::milli>(FateOf(shape, ordinal).delay).count());
  }
  std::ranges::sort(delays_ms);
  EXPECT_NEAR(delays_ms[10'000], 30, 1);
  // exp(0.5 x 2.326) of the median.
  EXPECT_NEAR(delays_ms[19'800], 96, 6);
}

TEST(FateOf, WithoutJitterEveryDelayIsTheSame) {
  const Shape shape = ParseShape("first-byte=250us").value();
  EXPECT_EQ(FateOf(shape, 3).delay, std::chrono::microseconds(250));
  EXPECT_EQ(FateOf(shape, 4).delay, std::chrono::microseconds(250));
}

}  // namespace
}  // namespace headrace::gateway
