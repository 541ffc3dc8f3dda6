// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/output_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"

namespace headrace::job {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class OutputCheckTest : public ::testing::Test {
 protected:
  OutputCheckTest() {
    EXPECT_THAT(store_.CreateBucket("results"), IsOk());
    spec_.name = "j1";
    spec_.output_uri = "s3://results/jobs";
  }
  Status Check() { return CheckOutputPlace(spec_, faulty_, loops_, {}); }
  void GivenFailure(StoreOperation operation, ErrorCode code) {
    faulty_.Add({.operation = operation,
                 .key = "jobs/j1/output/model.tar.gz",
                 .error = Error(code, "scripted")});
  }

  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  FaultyStore faulty_{memory_};
  EventLoops loops_{1};
  JobSpec spec_;
};

TEST_F(OutputCheckTest, LeavesNothingBehind) {
  EXPECT_THAT(Check(), IsOk());
  EXPECT_THAT(*store_.Keys("results"), IsEmpty());
  EXPECT_EQ(faulty_.call_count(StoreOperation::kAbortMultipart), 1U);
}

TEST_F(OutputCheckTest, FindsAMissingRightAndAMissingBucket) {
  GivenFailure(StoreOperation::kCreateMultipart, ErrorCode::kPermissionDenied);
  const Status denied = Check();
  ASSERT_FALSE(denied.has_value());
  EXPECT_EQ(denied.error().code(), ErrorCode::kPermissionDenied);
  EXPECT_THAT(denied.error().message(), HasSubstr("output s3://results/jobs: "));
  spec_.output_uri = "s3://nowhere/jobs";
  EXPECT_EQ(Check().error().code(), ErrorCode::kNotFound);
}

TEST_F(OutputCheckTest, BelievesAStoreThatCannotSay) {
  GivenFailure(StoreOperation::kCreateMultipart, ErrorCode::kUnsupported);
  EXPECT_THAT(Check(), IsOk());
  GivenFailure(StoreOperation::kAbortMultipart, ErrorCode::kPermissionDenied);
  EXPECT_THAT(Check(), IsOk());
}

}  // namespace
}  // namespace headrace::job
