// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3_uri.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace {
namespace {

TEST(ParseS3Uri, SplitsAtTheFirstSlashBehindTheBucket) {
  EXPECT_EQ(*ParseS3Uri("s3://b"), (S3Uri{"b", ""}));
  EXPECT_EQ(*ParseS3Uri("s3://b/"), (S3Uri{"b", ""}));
  EXPECT_EQ(*ParseS3Uri("s3://b/a/c.txt"), (S3Uri{"b", "a/c.txt"}));
  EXPECT_EQ(*ParseS3Uri("s3://b//a//"), (S3Uri{"b", "/a//"}));
}

TEST(ParseS3Uri, RefusesOtherSchemesAndNoBucket) {
  EXPECT_THAT(ParseS3Uri("http://b/k"), testing::HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(ParseS3Uri("b/k"), testing::HasMessage("'b/k'"));
  EXPECT_THAT(ParseS3Uri("s3:///k"), testing::HasMessage("no bucket"));
}

TEST(ParseS3Uri, RefusesKeysAndDoesNotShowThem) {
  for (const char* text : {"s3://AK:s3cr3t@b/k", "s3://AK:s3/cr3t@b/k", "s3://cr3t@b",
                           "s3a://AK:s3cr3t@b/k", "AK:s3cr3t@b/k"}) {
    const auto uri = ParseS3Uri(text);
    ASSERT_THAT(uri, testing::HasCode(ErrorCode::kInvalidArgument)) << text;
    EXPECT_THAT(uri.error().message(), ::testing::HasSubstr("***@b"));
    EXPECT_THAT(uri.error().message(), ::testing::Not(::testing::HasSubstr("cr3t")));
  }
  EXPECT_EQ(*ParseS3Uri("s3://b/a@c:d"), (S3Uri{"b", "a@c:d"}));
}

TEST(ParseS3Uri, TellsHowABareNameIsWritten) {
  EXPECT_THAT(ParseS3Uri("stamps/a").error().message(), ::testing::HasSubstr("s3://stamps/a"));
  EXPECT_THAT(ParseS3Uri("./stamps").error().message(), ::testing::EndsWith("KEY"));
  EXPECT_THAT(ParseS3Uri("http://x/y").error().message(), ::testing::EndsWith("KEY"));
}

TEST(FormatS3Uri, IsWhatParsingReads) {
  EXPECT_EQ(FormatS3Uri("b", "a b"), "s3://b/a b");
  EXPECT_EQ(*ParseS3Uri(FormatS3Uri("b", "x//y")), (S3Uri{"b", "x//y"}));
}

}  // namespace
}  // namespace headrace
