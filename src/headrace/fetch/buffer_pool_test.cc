// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/buffer_pool.h"

#include <utility>

#include <gtest/gtest.h>

namespace headrace::fetch {
namespace {

TEST(CapacityFor, WastesAtMostAnEighthAboveAPage) {
  EXPECT_EQ(CapacityFor(0), 0U);
  EXPECT_EQ(CapacityFor(10), 4096U);
  EXPECT_EQ(CapacityFor(4096), 4096U);
  EXPECT_EQ(CapacityFor(4097), 8192U);
  EXPECT_EQ(CapacityFor(100 * 1024), 104U * 1024);
  EXPECT_EQ(CapacityFor(8U << 20U), 8U << 20U);
  EXPECT_EQ(CapacityFor((8U << 20U) + 1), 9U << 20U);
}

TEST(BufferPool, GivesTheBufferReturnedLastFirst) {
  BufferPool pool(8192);
  Buffer first(4096);
  Buffer second(4096);
  const std::byte* const place = second.span().data();
  EXPECT_EQ(pool.Return(std::move(first)).size(), 0U);
  EXPECT_EQ(pool.Return(std::move(second)).size(), 0U);
  EXPECT_EQ(pool.TakeKept(4096).span().data(), place);
  EXPECT_EQ(pool.kept_bytes(), 4096U);
}

TEST(BufferPool, HasNothingForAnotherCapacity) {
  BufferPool pool(8192);
  EXPECT_EQ(pool.Return(Buffer(4096)).size(), 0U);
  EXPECT_EQ(pool.TakeKept(8192).size(), 0U);
}

TEST(BufferPool, GivesBackWhatItHasNoRoomFor) {
  BufferPool pool(8192);
  EXPECT_EQ(pool.Return(Buffer(8192)).size(), 0U);
  EXPECT_EQ(pool.Return(Buffer(4096)).size(), 4096U);
}

TEST(BufferPool, ShrinksByItsLargestBuffersFirst) {
  BufferPool pool(1 << 20);
  pool.Return(Buffer(4096));
  pool.Return(Buffer(65'536));
  pool.Return(Buffer(8192));
  const auto dropped = pool.ShrinkTo(12'288);
  ASSERT_EQ(dropped.size(), 1U);
  EXPECT_EQ(dropped.front().size(), 65'536U);
  EXPECT_EQ(pool.kept_bytes(), 12'288U);
}

}  // namespace
}  // namespace headrace::fetch
