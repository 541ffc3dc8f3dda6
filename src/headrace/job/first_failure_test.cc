// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/first_failure.h"

#include <gtest/gtest.h>

namespace headrace::job {
namespace {

TEST(FirstFailure, NamesTheFirstItemThatFailed) {
  FirstFailure failures;
  failures.OnItemFailed(1, Error(ErrorCode::kNotFound, "open /a: No such file"));
  failures.OnItemFailed(0, Error(ErrorCode::kCorrupt, "get s3://b/k: broken"));
  file::TransferReport report;
  report.items_failed = 2;
  EXPECT_EQ(failures.Outcome(report, "restore").error().message(),
            "restore: 2 of 2 objects failed, the first: open /a: No such file");
  report.items_failed = 1;
  EXPECT_EQ(failures.Outcome(report, "restore").error().message(),
            "restore: open /a: No such file");
}

}  // namespace
}  // namespace headrace::job
