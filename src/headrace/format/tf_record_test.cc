// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/tf_record.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "testing/read_records.h"

namespace headrace::format {
namespace {

using testing::ReadRecords;

// An empty record and "hello", as TensorFlow writes them.
const std::string kEmpty = HexDecode("000000000000000029039807d8ea82a2").value();
const std::string kHello = HexDecode("0500000000000000eab2043e68656c6c6fbb1f1c19").value();

TEST(TfRecordReader, ReadsWhatTensorFlowWrites) {
  TfRecordReader reader({});
  const auto records = ReadRecords(reader, kEmpty + kHello);
  ASSERT_TRUE(records.has_value()) << records.error().message();
  ASSERT_EQ(records->size(), 2U);
  EXPECT_EQ((*records)[0].payload, "");
  EXPECT_EQ((*records)[1].payload, "hello");
  EXPECT_EQ((*records)[1].offset_bytes, kEmpty.size());
}

TEST(TfRecordReader, FindsEveryDamagedByte) {
  for (const bool skips : {false, true}) {
    for (size_t i = 0; i < kHello.size(); ++i) {
      std::string damaged = kHello;
      damaged[i] = static_cast<char>(damaged[i] ^ 4);
      TfRecordReader reader({.skips_payloads = skips});
      const auto records = ReadRecords(reader, kEmpty + damaged);
      ASSERT_FALSE(records.has_value()) << "byte " << i;
      EXPECT_EQ(records.error().code(), ErrorCode::kCorrupt);
      EXPECT_THAT(records.error().message(), ::testing::HasSubstr("record 1 at byte 16"));
    }
  }
}

}  // namespace
}  // namespace headrace::format
