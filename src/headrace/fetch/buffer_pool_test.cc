// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/buffer_pool.h"

#include <utility>

#include <gtest/gtest.h>

namespace headrace::fetch {
namespace {

TEST(BufferPool, GivesAReturnedBufferOfItsSizeAgain) {
  BufferPool pool(4096, 8192);
  Buffer first = pool.Take(4096);
  const std::byte* const place = first.span().data();
  pool.Return(std::move(first));
  EXPECT_EQ(pool.Take(4096).span().data(), place);
}

TEST(BufferPool, OtherSizesPassThrough) {
  BufferPool pool(4096, 8192);
  pool.Return(Buffer(100));
  EXPECT_EQ(pool.Take(100).size(), 100U);
  EXPECT_EQ(pool.Take(4096).size(), 4096U);
}

TEST(BufferPool, KeepsNoMoreThanItMay) {
  BufferPool pool(4096, 8192);
  const std::byte* last = nullptr;
  {
    Buffer a = pool.Take(4096);
    Buffer b = pool.Take(4096);
    Buffer c = pool.Take(4096);
    pool.Return(std::move(a));
    pool.Return(std::move(b));
    last = c.span().data();
    pool.Return(std::move(c));
  }
  const Buffer newest = pool.Take(4096);
  const Buffer older = pool.Take(4096);
  EXPECT_NE(newest.span().data(), last);
  EXPECT_NE(older.span().data(), last);
}

}  // namespace
}  // namespace headrace::fetch
