// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/open_files.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(RequestsWithin, LeavesEachRequestASocketAndAFile) {
  EXPECT_EQ(RequestsWithin(4096, 1024), 1024U);
  EXPECT_EQ(RequestsWithin(1024, 1024), 448U);
  EXPECT_EQ(RequestsWithin(256, 1024), 64U);
  EXPECT_EQ(RequestsWithin(1024, 64), 64U);
}

TEST(RequestsWithin, IsNeverNone) {
  EXPECT_EQ(RequestsWithin(0, 1024), 8U);
  EXPECT_EQ(RequestsWithin(130, 1024), 8U);
  EXPECT_EQ(RequestsWithin(UINT64_MAX, 1024), 1024U);
}

}  // namespace
}  // namespace headrace::cli
