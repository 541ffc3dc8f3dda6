// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/record_reader.h"

#include <memory>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/crc.h"
#include "headrace/format/record_format.h"
#include "headrace/format/tar_writer.h"
#include "headrace/format/tf_record.h"
#include "testing/read_records.h"

namespace headrace::format {
namespace {

using testing::ReadRecord;
using testing::ReadRecords;

std::string LittleEndianText(uint64_t number, size_t size_bytes) {
  std::string text;
  for (size_t i = 0; i < size_bytes; ++i) text += static_cast<char>(number >> (8 * i));
  return text;
}

// A stream of each format, written here by the format's rules and not by its reader's code.
std::string Framed(RecordFormat format, const std::string& payload, size_t number) {
  switch (format) {
    case RecordFormat::kRecordIo:
      return std::string(AsText(RecordIoHeader(payload.size()))) + payload +
             std::string(RecordIoPaddingBytes(payload.size()), '\0');
    case RecordFormat::kTfRecord: {
      const std::string length = LittleEndianText(payload.size(), 8);
      return length + LittleEndianText(MaskTfRecordCrc(Crc32c(AsBytes(length))), 4) + payload +
             LittleEndianText(MaskTfRecordCrc(Crc32c(AsBytes(payload))), 4);
    }
    case RecordFormat::kTar:
      return TarHeader(
                 {.name = fmt::format("{:0>130}.bin", number), .size_bytes = payload.size()}) +
             payload + std::string(TarPaddingBytes(payload.size()), '\0');
    case RecordFormat::kLines:
      return payload + "\n";
  }
  return "";
}

class RecordFormatTest : public ::testing::TestWithParam<RecordFormat> {
 protected:
  RecordFormatTest() {
    SCOPED_TRACE(seed_);
    std::mt19937_64 random(seed_);
    for (size_t i = 0; i < 12; ++i) {
      // Lines hold no newlines and, to be records, something.
      std::string payload(random() % 60 + (GetParam() == RecordFormat::kLines ? 1 : 0), 'x');
      for (char& c : payload) c = static_cast<char>('a' + random() % 26);
      offsets_.push_back(stream_.size());
      stream_ += Framed(GetParam(), payload, i);
      payloads_.push_back(payload);
    }
    if (GetParam() == RecordFormat::kTar) stream_ += std::string(kTarEndBytes, '\0');
  }
  std::unique_ptr<RecordReader> Reader(const RecordReaderOptions& options = {}) {
    return MakeRecordReader(GetParam(), options);
  }

  uint64_t seed_ = 20261122;
  std::vector<std::string> payloads_;
  std::vector<uint64_t> offsets_;
  std::string stream_;
};

INSTANTIATE_TEST_SUITE_P(AllFormats, RecordFormatTest,
                         ::testing::Values(RecordFormat::kRecordIo, RecordFormat::kTfRecord,
                                           RecordFormat::kTar, RecordFormat::kLines),
                         [](const auto& test) {
                           return std::string(RecordFormatName(test.param));
                         });

TEST_P(RecordFormatTest, GivesEveryPayloadWithItsPlace) {
  const auto records = ReadRecords(*Reader(), stream_);
  ASSERT_TRUE(records.has_value()) << records.error().message();
  ASSERT_EQ(records->size(), payloads_.size());
  for (size_t i = 0; i < payloads_.size(); ++i) {
    EXPECT_EQ((*records)[i].payload, payloads_[i]);
    EXPECT_EQ((*records)[i].size_bytes, payloads_[i].size());
    EXPECT_EQ((*records)[i].index, i);
    EXPECT_EQ((*records)[i].offset_bytes, offsets_[i]);
  }
}

TEST_P(RecordFormatTest, GivesTheSameRecordsHoweverTheStreamIsCut) {
  const auto whole = ReadRecords(*Reader(), stream_);
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  for (const size_t piece_bytes : {1U, 2U, 3U, 7U, 64U, 511U, 513U}) {
    const auto cut = ReadRecords(*Reader(), stream_, [=] { return piece_bytes; });
    ASSERT_TRUE(cut.has_value()) << cut.error().message();
    EXPECT_EQ(*cut, *whole) << "in pieces of " << piece_bytes;
  }
  SCOPED_TRACE(fmt::format("seed {}", seed_));
  std::mt19937_64 random(seed_);
  for (int round = 0; round < 50; ++round) {
    const auto cut = ReadRecords(*Reader(), stream_, [&] { return 1 + random() % 200; });
    ASSERT_TRUE(cut.has_value()) << cut.error().message();
    EXPECT_EQ(*cut, *whole);
  }
}

TEST_P(RecordFormatTest, SkipsPayloadsWithTheSamePlaces) {
  auto whole = ReadRecords(*Reader(), stream_);
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  for (ReadRecord& record : *whole) record.payload.clear();
  for (const size_t piece_bytes : {1U, 5U, 100'000U}) {
    const auto skipped =
        ReadRecords(*Reader({.skips_payloads = true}), stream_, [=] { return piece_bytes; });
    ASSERT_TRUE(skipped.has_value()) << skipped.error().message();
    EXPECT_EQ(*skipped, *whole);
  }
}

TEST_P(RecordFormatTest, SaysSoWhenTheStreamEndsInsideARecord) {
  for (const bool skips : {false, true}) {
    for (size_t length = 0; length < stream_.size(); ++length) {
      const auto records =
          ReadRecords(*Reader({.skips_payloads = skips}), stream_.substr(0, length));
      // Lines end with the stream; an archive may lack the zeros at its end; any stream may end
      // between two records.
      const bool is_between = GetParam() == RecordFormat::kLines || length >= offsets_.back() ||
                              std::ranges::find(offsets_, length) != offsets_.end();
      if (is_between && (length <= offsets_.back() || GetParam() == RecordFormat::kLines)) {
        EXPECT_TRUE(records.has_value()) << length << ": " << records.error().message();
      } else if (length < offsets_.back()) {
        ASSERT_FALSE(records.has_value()) << length;
        EXPECT_EQ(records.error().code(), ErrorCode::kCorrupt);
        EXPECT_THAT(records.error().message(), ::testing::HasSubstr("at byte "));
      }
    }
  }
}

TEST_P(RecordFormatTest, RefusesARecordAboveTheLimitBeforeHoldingIt) {
  const std::string large(1000, 'y');
  const std::string stream = Framed(GetParam(), large, 1);
  EXPECT_TRUE(ReadRecords(*Reader({.record_bytes_max = 1000}), stream).has_value());
  for (const size_t piece_bytes : {1U, 10'000U}) {
    const auto refused =
        ReadRecords(*Reader({.record_bytes_max = 999}), stream, [=] { return piece_bytes; });
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code(), ErrorCode::kResourceExhausted);
    EXPECT_THAT(refused.error().message(), ::testing::HasSubstr("record 0 at byte 0"));
  }
}

TEST_P(RecordFormatTest, NeitherCrashesNorHangsOnDamage) {
  SCOPED_TRACE(fmt::format("seed {}", seed_));
  std::mt19937_64 random(seed_);
  for (int round = 0; round < 2000; ++round) {
    std::string damaged = stream_;
    for (uint64_t i = 0; i <= random() % 3; ++i) {
      damaged[random() % damaged.size()] = static_cast<char>(random());
    }
    const auto records = ReadRecords(*Reader({.record_bytes_max = 4096}), damaged,
                                     [&] { return 1 + random() % 900; });
    if (!records) {
      EXPECT_FALSE(records.error().message().empty());
    }
  }
}

TEST_P(RecordFormatTest, IsDetectedFromItsFirstBytes) {
  EXPECT_EQ(DetectRecordFormat(AsBytes(stream_.substr(0, kFormatSampleBytes))), GetParam());
  EXPECT_EQ(ParseRecordFormat(RecordFormatName(GetParam())), GetParam());
}

TEST(DetectRecordFormat, KnowsNothingOfOtherBytes) {
  EXPECT_EQ(DetectRecordFormat(AsBytes("\x89PNG\r\n\x1a\n")), std::nullopt);
  EXPECT_TRUE(IsGzip(AsBytes("\x1f\x8b\x08")));
  EXPECT_FALSE(IsGzip(AsBytes("\x1f")));
}

}  // namespace
}  // namespace headrace::format
