// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/time_text.h"

#include <chrono>
#include <optional>

#include <gtest/gtest.h>

namespace headrace {
namespace {

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

}  // namespace
}  // namespace headrace
