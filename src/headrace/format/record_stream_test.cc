// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/record_stream.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "testing/gzip.h"

namespace headrace::format {
namespace {

using testing::Gzip;

struct Outcome {
  std::vector<std::string> payloads;
  std::optional<RecordFormat> format;
  Status status;
};

Outcome Stream(std::string_view bytes, size_t piece_bytes, const RecordStreamOptions& options = {},
               size_t limit = 1000) {
  Outcome outcome;
  RecordStream stream(options, [&](const Record& record) -> Result<bool> {
    outcome.payloads.emplace_back(AsText(record.payload));
    return outcome.payloads.size() < limit;
  });
  for (; !bytes.empty() && outcome.status;
       bytes.remove_prefix(std::min(piece_bytes, bytes.size()))) {
    const std::string piece(bytes.substr(0, piece_bytes));
    const auto added = stream.Add(AsBytes(piece));
    if (!added) outcome.status = std::unexpected(added.error());
    if (added && !*added) break;
  }
  if (outcome.status) outcome.status = stream.Finish();
  outcome.format = stream.format();
  return outcome;
}

std::string Lines(int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("{{\"n\": {}}}\n", i);
  return text;
}

TEST(RecordStream, FindsTheFormatPlainAndGzipped) {
  for (const size_t piece_bytes : {1U, 100U, 1'000'000U}) {
    for (const std::string& bytes :
         {Lines(200), Gzip(Lines(200)), Gzip(Lines(150)) + Gzip(Lines(50))}) {
      const Outcome outcome = Stream(bytes, piece_bytes);
      ASSERT_TRUE(outcome.status.has_value()) << outcome.status.error().message();
      EXPECT_EQ(outcome.format, RecordFormat::kLines);
      EXPECT_EQ(outcome.payloads.size(), 200U);
    }
  }
}

TEST(RecordStream, ReadsStreamsShorterThanAnyHeader) {
  for (const std::string_view bytes : {"a", "ab", "abc\nd"}) {
    const Outcome outcome = Stream(bytes, 1);
    ASSERT_TRUE(outcome.status.has_value()) << outcome.status.error().message();
    EXPECT_FALSE(outcome.payloads.empty()) << bytes;
  }
  EXPECT_TRUE(Stream("", 1).status.has_value());
}

TEST(RecordStream, StopsWhenNoMoreIsWanted) {
  const Outcome outcome = Stream(Lines(200) + std::string(1, '\0'), 50, {}, 3);
  EXPECT_TRUE(outcome.status.has_value());
  EXPECT_THAT(outcome.payloads, ::testing::ElementsAre("{\"n\": 0}", "{\"n\": 1}", "{\"n\": 2}"));
}

TEST(RecordStream, SaysWhatItCannotRead) {
  const Outcome picture = Stream("\x89PNG\r\n\x1a\n" + std::string(600, '\1'), 100);
  ASSERT_FALSE(picture.status.has_value());
  EXPECT_EQ(picture.status.error().code(), ErrorCode::kInvalidArgument);
  const std::string zipped = Gzip(Lines(2000));
  EXPECT_FALSE(Stream(zipped.substr(0, zipped.size() / 2), 100).status.has_value());
  EXPECT_FALSE(Stream(Lines(100), 100, {.format = RecordFormat::kTfRecord}).status.has_value());
}

}  // namespace
}  // namespace headrace::format
