// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/time_text.h"

#include <chrono>
#include <optional>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace {
namespace {

using headrace::testing::HasMessage;
using std::chrono::milliseconds;

// 2024-02-29T12:00:00Z: date -u +%s -d 2024-02-29T12:00:00Z
constexpr SystemTime kNoon{std::chrono::seconds(1'709'208'000)};

TEST(TimeText, BothFormsAreWritten) {
  EXPECT_EQ(HttpDate(kNoon), "Thu, 29 Feb 2024 12:00:00 GMT");
  EXPECT_EQ(IsoTime(kNoon + std::chrono::microseconds(250'900)), "2024-02-29T12:00:00.250Z");
  EXPECT_EQ(IsoTime(kNoon + std::chrono::milliseconds(5)), "2024-02-29T12:00:00.005Z");
  EXPECT_EQ(IsoTime(SystemTime(-std::chrono::milliseconds(1))), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(IsoTime(SystemTime::min()), "1677-09-21T00:12:43.145Z");
  EXPECT_EQ(IsoTime(SystemTime::max()), "2262-04-11T23:47:16.854Z");
}

TEST(TimeText, BothFormsAreReadAndOthersRefused) {
  const std::optional<SystemTime> noon = kNoon;
  EXPECT_EQ(ParseHttpDate("Thu, 29 Feb 2024 12:00:00 GMT"), noon);
  EXPECT_EQ(ParseIsoTime("2024-02-29T12:00:00Z"), noon);
  EXPECT_EQ(ParseIsoTime("2024-02-29T12:00:00+00:00"), noon);
  EXPECT_EQ(ParseIsoTime("2024-02-29T12:00:00.25Z"), *noon + std::chrono::milliseconds(250));
  for (const char* text :
       {"", "2023-02-29T12:00:00Z", "2024-02-29", "2024-02-29T12:00:00", "2024-02-29T25:00:00Z",
        "2024-02-29T12:00:00.Z", "2024-02-29T12:00:00.1234567890123456789"}) {
    EXPECT_EQ(ParseIsoTime(text), std::nullopt) << text;
  }
  for (const char* text : {"", "Thu, 30 Feb 2024 12:00:00 GMT", "Thu, 29 Feb 2024 12:00:00 CET",
                           "Thu, 29 Xyz 2024 12:00:00 GMT"}) {
    EXPECT_EQ(ParseHttpDate(text), std::nullopt) << text;
  }
}

// Found by the XML fuzzer.
TEST(TimeText, AYearThatTheClockCannotHoldIsNoTime) {
  EXPECT_EQ(ParseIsoTime("7701-11-22T00:00:00.000Z"), std::nullopt);
  EXPECT_EQ(ParseIsoTime("0001-11-22T00:00:00.000Z"), std::nullopt);
  EXPECT_EQ(ParseHttpDate("Sat, 22 Nov 7701 00:00:00 GMT"), std::nullopt);
  EXPECT_NE(ParseIsoTime("2261-12-31T23:59:59.999Z"), std::nullopt);
}

TEST(ParseSpan, ReadsNumbersWithTheirUnit) {
  EXPECT_EQ(ParseSpan("90").value(), std::chrono::seconds(90));
  EXPECT_EQ(ParseSpan("90s").value(), std::chrono::seconds(90));
  EXPECT_EQ(ParseSpan("500ms").value(), milliseconds(500));
  EXPECT_EQ(ParseSpan("10m").value(), std::chrono::minutes(10));
  EXPECT_EQ(ParseSpan("1.5h").value(), std::chrono::minutes(90));
  EXPECT_EQ(ParseSpan("31d").value(), std::chrono::days(31));
}

TEST(ParseSpan, RefusesWhatIsNoTime) {
  for (const char* text : {"", "s", "0", "-1", "1x", "1 h", "nan", "inf", "1e9", "32d",
                           "999999999999999999999", "h2"}) {
    EXPECT_THAT(ParseSpan(text), HasMessage("is no time")) << text;
  }
}

}  // namespace
}  // namespace headrace
