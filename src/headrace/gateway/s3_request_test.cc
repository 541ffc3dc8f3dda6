// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/s3_request.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

using testing::IsOk;

TEST(ParseRange, TakesNumbersBeyond64BitsForTheObjectsEnd) {
  for (const std::string last : {"18446744073709551614", "18446744073709551615",
                                 "18446744073709551616", "99999999999999999999999"}) {
    const auto range = ParseRange("bytes=5-" + last, 100);
    ASSERT_THAT(range, IsOk()) << last;
    EXPECT_EQ(*range, (ByteRange{.begin = 5, .end = 100})) << last;
    EXPECT_EQ(*ParseRange("bytes=-" + last, 100), (ByteRange{.begin = 0, .end = 100})) << last;
    EXPECT_EQ(ParseRange("bytes=" + last + "-", 100).error().origin().s3_code, "InvalidRange");
  }
}

TEST(ParseRange, AnswersWhatIsNoRangeWithTheWholeObject) {
  for (const char* const header : {"bytes=", "bytes=-", "bytes=a-b", "bytes=5-1", "bytes=0-1,3-4",
                                   "items=0-1", "bytes=+1-2", "bytes=1-2x"}) {
    const auto range = ParseRange(header, 100);
    ASSERT_THAT(range, IsOk()) << header;
    EXPECT_FALSE(range->has_value()) << header;
  }
}

TEST(AttributesOf, TakesTheStorageClassesThatS3HasAndNoOthers) {
  net::HttpHeaders headers;
  headers.Set("x-amz-storage-class", "GLACIER_IR");
  EXPECT_EQ(AttributesOf(headers)->storage_class, "GLACIER_IR");
  headers.Set("x-amz-storage-class", "STANDARD");
  EXPECT_EQ(AttributesOf(headers)->storage_class, "");
  for (const char* const nonsense : {"FOO", "glacier"}) {
    headers.Set("x-amz-storage-class", nonsense);
    EXPECT_EQ(AttributesOf(headers).error().origin().s3_code, "InvalidStorageClass") << nonsense;
  }
}

}  // namespace
}  // namespace headrace::gateway
