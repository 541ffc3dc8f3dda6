// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/progress.h"

#include <gtest/gtest.h>

#include "headrace/cli/human_text.h"

namespace headrace::cli {
namespace {

using std::chrono::seconds;

constexpr Progress kHalf{.bytes_done = 50ULL << 20U,
                         .bytes_found = 100ULL << 20U,
                         .items_done = 5,
                         .items_failed = 0,
                         .items_found = 10,
                         .is_all_found = true,
                         .elapsed = seconds(5)};

TEST(ProgressLine, TellsBytesFilesRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine(kHalf, 73),
            "[=====     ]  50.0 MiB of 100.0 MiB  5 of 10 files  10.0 MiB/s  0:05 left");
}

TEST(ProgressLine, DropsTheBarWhereThereIsNoRoomAndNeverExceedsTheWidth) {
  EXPECT_EQ(ProgressLine(kHalf, 70), "50.0 MiB of 100.0 MiB  5 of 10 files  10.0 MiB/s  0:05 left");
  for (size_t width = 0; width < 120; ++width) {
    EXPECT_LE(ProgressLine(kHalf, width).size(), width);
  }
}

TEST(ProgressLine, MarksTotalsThatStillGrow) {
  Progress progress = kHalf;
  progress.is_all_found = false;
  EXPECT_EQ(ProgressLine(progress, 100), "50.0 MiB of 100.0 MiB+  5 of 10+ files  10.0 MiB/s");
}

TEST(ProgressLine, CountsFailures) {
  Progress progress = kHalf;
  progress.items_failed = 2;
  EXPECT_NE(ProgressLine(progress, 100).find("2 failed"), std::string::npos);
}

TEST(ProgressLine, StartsWithoutARate) {
  EXPECT_EQ(ProgressLine({}, 80), "0 B of 0 B+  0 of 0+ files  0 B/s");
}

TEST(DurationText, ShowsHoursOnlyWhenThereAreAny) {
  EXPECT_EQ(DurationText(seconds(7)), "0:07");
  EXPECT_EQ(DurationText(seconds(754)), "12:34");
  EXPECT_EQ(DurationText(seconds(3723)), "1:02:03");
}

}  // namespace
}  // namespace headrace::cli
