// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/record_io.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "testing/read_records.h"

namespace headrace::format {
namespace {

using testing::ReadRecords;

// Published example bytes: the records "1" and "hello" as SageMaker's readers take them, and the
// three parts that dmlc's writer makes of a payload that holds the magic.
std::string Bytes(std::string_view digits) { return HexDecode(digits).value(); }
constexpr std::string_view kOne = "0a23d7ce0100000031000000";
constexpr std::string_view kHello = "0a23d7ce0500000068656c6c6f000000";
constexpr std::string_view kParts = "0a23d7ce04000020616263640a23d7ce0100006065000000";

TEST(RecordIoReader, ReadsThePublishedRecords) {
  RecordIoReader reader({}, RecordIoJoin::kConcatenate);
  const auto records = ReadRecords(reader, Bytes(kOne) + Bytes(kHello));
  ASSERT_TRUE(records.has_value());
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].payload, "1");
  EXPECT_EQ((*records)[1].payload, "hello");
  EXPECT_EQ((*records)[1].offset_bytes, 12U);
}

TEST(RecordIoHeader, FramesThePublishedRecord) {
  EXPECT_EQ(
      HexEncode(RecordIoHeader(5)) + "68656c6c6f" + std::string(2 * RecordIoPaddingBytes(5), '0'),
      kHello);
  EXPECT_EQ(HexEncode(RecordIoHeader(kRecordIoPayloadBytesMax)), "0a23d7ceffffff1f");
}

TEST(RecordIoReader, JoinsPartsInEitherMeaning) {
  const std::string stream = Bytes(kParts) + Bytes(kOne);
  RecordIoReader dmlc({}, RecordIoJoin::kRestoreMagic);
  const auto restored = ReadRecords(dmlc, stream, [] { return 3; });
  ASSERT_TRUE(restored.has_value());
  EXPECT_EQ((*restored)[0].payload, "abcd" + Bytes("0a23d7ce") + "e");
  EXPECT_EQ((*restored)[0].size_bytes, 9U);
  EXPECT_EQ((*restored)[1].payload, "1");
  EXPECT_EQ((*restored)[1].offset_bytes, 24U);

  RecordIoReader sagemaker({}, RecordIoJoin::kConcatenate);
  const auto joined = ReadRecords(sagemaker, stream);
  ASSERT_TRUE(joined.has_value());
  EXPECT_EQ((*joined)[0].payload, "abcde");

  RecordIoReader skipping({.skips_payloads = true}, RecordIoJoin::kRestoreMagic);
  const auto skipped = ReadRecords(skipping, stream);
  ASSERT_TRUE(skipped.has_value());
  EXPECT_EQ((*skipped)[0].size_bytes, 9U);
}

TEST(RecordIoReader, DoesNotLookAtThePadding) {
  std::string spaces = Bytes(kHello);
  spaces.replace(spaces.size() - 3, 3, "   ");
  RecordIoReader reader({}, RecordIoJoin::kConcatenate);
  const auto records = ReadRecords(reader, spaces);
  ASSERT_TRUE(records.has_value());
  EXPECT_EQ((*records)[0].payload, "hello");
}

TEST(RecordIoReader, RefusesPartsOutOfOrder) {
  const std::string first = Bytes("0a23d7ce0100002061000000");
  const std::string last = Bytes("0a23d7ce0100006062000000");
  const std::string unknown = Bytes("0a23d7ce0100008062000000");
  for (const std::string& stream : {last, first + first, first + Bytes(kOne), unknown}) {
    RecordIoReader reader({}, RecordIoJoin::kConcatenate);
    const auto records = ReadRecords(reader, stream);
    ASSERT_FALSE(records.has_value());
    EXPECT_THAT(records.error().message(), ::testing::HasSubstr("part kind"));
  }
}

TEST(RecordIoReader, LimitsTheSumOfParts) {
  const std::string first = Bytes("0a23d7ce0100002061000000");
  const std::string middle = Bytes("0a23d7ce0100004062000000");
  RecordIoReader reader({.record_bytes_max = 2}, RecordIoJoin::kConcatenate);
  const auto records = ReadRecords(reader, first + middle + middle);
  ASSERT_FALSE(records.has_value());
  EXPECT_EQ(records.error().code(), ErrorCode::kResourceExhausted);
}

TEST(RecordIoReader, NamesTheByteWithoutMagic) {
  RecordIoReader reader({}, RecordIoJoin::kConcatenate);
  const auto records = ReadRecords(reader, Bytes(kOne) + "not a record");
  ASSERT_FALSE(records.has_value());
  EXPECT_THAT(records.error().message(), ::testing::HasSubstr("record 1 at byte 12"));
}

}  // namespace
}  // namespace headrace::format
