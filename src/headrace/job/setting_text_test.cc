// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/setting_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::job {
namespace {

using headrace::testing::HasMessage;

TEST(ParseOutputCompression, KnowsTheNamesOfOutputDataConfig) {
  EXPECT_EQ(ParseOutputCompression("NONE").value(), Compression::kNone);
  EXPECT_EQ(ParseOutputCompression("none").value(), Compression::kNone);
  EXPECT_EQ(ParseOutputCompression("Gzip").value(), Compression::kGzip);
  EXPECT_THAT(ParseOutputCompression("zip"), HasMessage("'zip' must be GZIP or NONE"));
}

TEST(ParseCheckpoint, TakesAFolderBehindTheUri) {
  EXPECT_EQ(ParseCheckpoint("s3://b/p/").value(), CheckpointSpec{.s3_uri = "s3://b/p/"});
  EXPECT_EQ(ParseCheckpoint("s3://b/p=/data/x=y").value(),
            (CheckpointSpec{.s3_uri = "s3://b/p", .folder = "/data/x=y"}));
  for (const char* text : {"", "b/p", "s3://", "s3://b/p=", "=/data"}) {
    EXPECT_FALSE(ParseCheckpoint(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace headrace::job
