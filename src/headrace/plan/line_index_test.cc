// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/line_index.h"

#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::plan {
namespace {

using ::testing::HasSubstr;

std::vector<uint64_t> BeginsOf(std::string_view text, size_t piece_bytes) {
  LineIndex index(LineIndexOptions{});
  for (auto rest = std::as_bytes(std::span(text)); !rest.empty();) {
    const auto piece = rest.first(std::min(piece_bytes, rest.size()));
    EXPECT_TRUE(index.Add(piece).has_value());
    rest = rest.subspan(piece.size());
  }
  EXPECT_TRUE(index.Finish().has_value());
  EXPECT_EQ(index.text_bytes(), text.size());
  std::vector<uint64_t> begins;
  for (uint64_t i = 0; i < index.size(); ++i) begins.push_back(index.BeginOf(i));
  return begins;
}

TEST(LineIndex, FindsLinesHoweverTheTextIsCut) {
  constexpr std::string_view kText = "{}\n\n\r\n{\"a\": 1}\r\n \n\nlast";
  for (size_t piece_bytes = 1; piece_bytes <= kText.size(); ++piece_bytes) {
    EXPECT_EQ(BeginsOf(kText, piece_bytes), (std::vector<uint64_t>{0, 6, 16, 19})) << piece_bytes;
  }
  EXPECT_EQ(BeginsOf("", 1).size(), 0U);
  EXPECT_EQ(BeginsOf("\r\n\n", 1).size(), 0U);
  EXPECT_EQ(BeginsOf("x\n", 1).size(), 1U);
}

TEST(LineIndex, RefusesALineThatNeverEndsAndNamesIt) {
  LineIndex index({.line_bytes_max = 8, .line_count_max = 100});
  constexpr std::string_view kPiece = "12345678\n\n12345";
  ASSERT_TRUE(index.Add(std::as_bytes(std::span(kPiece))).has_value());
  const Status status = index.Add(std::as_bytes(std::span("6789")));
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code(), ErrorCode::kResourceExhausted);
  EXPECT_THAT(status.error().message(), HasSubstr("line 3: it is longer than 8 bytes"));
}

TEST(LineIndex, RefusesMoreLinesThanItsLimit) {
  LineIndex index({.line_bytes_max = 8, .line_count_max = 2});
  const Status status = index.Add(std::as_bytes(std::span(std::string_view("1\n2\n3\n"))));
  ASSERT_FALSE(status.has_value());
  EXPECT_THAT(status.error().message(), HasSubstr("line 3: it has more than 2 lines"));
}

}  // namespace
}  // namespace headrace::plan
