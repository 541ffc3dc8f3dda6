// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/setting_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::job {
namespace {

using headrace::testing::HasMessage;
using std::chrono::milliseconds;

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
