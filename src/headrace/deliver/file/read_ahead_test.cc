// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/read_ahead.h"

#include <atomic>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::file {
namespace {

using headrace::testing::HasCode;

ItemSource<int> CountTo(int end, Status last) {
  return [next = 0, end, last]() mutable -> Result<std::optional<int>> {
    if (next < end) return next++;
    if (!last.has_value()) return std::unexpected(last.error());
    return std::nullopt;
  };
}

TEST(ReadAhead, GivesAllItemsInOrderThenTheEnd) {
  std::atomic<int> found = 0;
  std::atomic<bool> is_end = false;
  ReadAhead<int> ahead(CountTo(1000, Ok()), 3, [&](const int* item) {
    if (item == nullptr)
      is_end = true;
    else
      ++found;
  });
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(**ahead.Next(), i);
  EXPECT_FALSE(ahead.Next()->has_value());
  EXPECT_FALSE(ahead.Next()->has_value());
  EXPECT_EQ(found, 1000);
  EXPECT_TRUE(is_end);
}

TEST(ReadAhead, GivesTheErrorBehindTheItemsBeforeIt) {
  ReadAhead<int> ahead(CountTo(1, Fail(ErrorCode::kUnavailable, "gone")), 10, [](const int*) {});
  EXPECT_EQ(**ahead.Next(), 0);
  EXPECT_THAT(ahead.Next(), HasCode(ErrorCode::kUnavailable));
}

TEST(ReadAhead, CanBeDroppedBeforeItsEnd) {
  ReadAhead<int> ahead(CountTo(1'000'000'000, Ok()), 2, [](const int*) {});
  EXPECT_EQ(**ahead.Next(), 0);
}

}  // namespace
}  // namespace headrace::file
