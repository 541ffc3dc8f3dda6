// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/file_time.h"

#include <limits>

#include <gtest/gtest.h>

namespace headrace {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

SystemTime ModifiedAt(time_t second, long nanosecond) {
  struct stat status{};
  status.st_mtim = {.tv_sec = second, .tv_nsec = nanosecond};
  return ModifiedOf(status);
}

TEST(ModifiedOf, KeepsWhatATimeCanHold) {
  EXPECT_EQ(ModifiedAt(1'700'000'000, 7), SystemTime(seconds(1'700'000'000) + nanoseconds(7)));
  EXPECT_EQ(ModifiedAt(-1, 5), SystemTime(nanoseconds(5) - seconds(1)));
}

TEST(ModifiedOf, IsTheFirstOrTheLastTimeForWhatLiesBeyond) {
  const SystemTime year_2261(seconds(9'200'000'000));
  for (const time_t beyond : {time_t{20'000'000'000}, std::numeric_limits<time_t>::max()}) {
    EXPECT_GT(ModifiedAt(beyond, 999'999'999), year_2261) << beyond;
  }
  for (const time_t before : {time_t{-20'000'000'000}, std::numeric_limits<time_t>::min()}) {
    EXPECT_LT(ModifiedAt(before, 0), SystemTime(seconds(-9'200'000'000))) << before;
  }
}

}  // namespace
}  // namespace headrace
