// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/error.h"

#include <errno.h>

#include <gtest/gtest.h>

namespace headrace {
namespace {

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(ErrorCode::kInvalidArgument, "odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  HR_TRY_ASSIGN(const int half, Half(value));
  return While("second half", Half(half));
}

TEST(Error, TryAssignGivesTheValueOrLeavesWithTheError) {
  EXPECT_EQ(Quarter(12).value(), 3);
  EXPECT_EQ(Quarter(7).error().message(), "odd");
  EXPECT_EQ(Quarter(6).error().message(), "second half: odd");
}

TEST(Error, FromErrnoKeepsTheNumberAndSaysWhatWasAttempted) {
  const Error error = Error::FromErrno(ENOSPC, "write /data/x");
  EXPECT_EQ(error.code(), ErrorCode::kResourceExhausted);
  EXPECT_EQ(error.origin().os_error, ENOSPC);
  EXPECT_EQ(error.message(), "write /data/x: No space left on device");
}

TEST(ErrorDeathTest, CheckEndsTheProcessNamingTheCondition) {
  EXPECT_DEATH(HR_CHECK(1 + 1 == 3), "check failed: 1 \\+ 1 == 3");
}

}  // namespace
}  // namespace headrace
