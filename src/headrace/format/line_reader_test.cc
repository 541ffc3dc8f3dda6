// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/line_reader.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/read_records.h"

namespace headrace::format {
namespace {

TEST(LineReader, EndsLinesAsEveryPlatformWritesThem) {
  for (const size_t piece_bytes : {1U, 2U, 100U}) {
    LineReader reader({});
    const auto lines = testing::ReadRecords(reader, "{\"a\":1}\r\n\n  \n{\"b\":2}\nlast",
                                            [=] { return piece_bytes; });
    ASSERT_TRUE(lines.has_value());
    std::vector<std::string> texts;
    std::vector<uint64_t> numbers;
    for (const auto& line : *lines) {
      texts.push_back(line.payload);
      numbers.push_back(line.index + 1);
    }
    EXPECT_THAT(texts, ::testing::ElementsAre("{\"a\":1}", "  ", "{\"b\":2}", "last"));
    EXPECT_THAT(numbers, ::testing::ElementsAre(1, 3, 4, 5));
    EXPECT_EQ(lines->back().offset_bytes, 21U);
  }
}

}  // namespace
}  // namespace headrace::format
