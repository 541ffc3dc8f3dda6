// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/chunk_framing.h"

#include <algorithm>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace headrace::net {
namespace {

// Reads `body` to its end or its first error; the data of its chunks.
Result<std::string> Read(std::string_view body) {
  ChunkFraming framing;
  std::string data;
  while (!framing.is_done()) {
    HR_TRY_ASSIGN(const size_t taken, framing.Advance(body));
    body.remove_prefix(taken);
    const size_t size = std::min<uint64_t>(framing.data_left_bytes(), body.size());
    if (taken == 0 && size == 0) return Fail(ErrorCode::kUnavailable, "the body has no end");
    framing.TakeData(size);
    data += body.substr(0, size);
    body.remove_prefix(size);
  }
  return data;
}

bool IsRefused(std::string_view body) {
  const auto data = Read(body);
  return !data && data.error().code() == ErrorCode::kCorrupt;
}

TEST(ChunkFramingTest, GivesDataExtensionsAndTrailers) {
  ChunkFraming framing;
  const auto head = framing.Advance("3;chunk-signature=abc\r\n");
  EXPECT_EQ(head, 23U);
  EXPECT_EQ(framing.extension(), "chunk-signature=abc");
  EXPECT_EQ(framing.data_left_bytes(), 3U);
  framing.TakeData(3);
  EXPECT_TRUE(framing.Advance("\r\n0\r\nx-amz-a: b c \r\n\r\n").has_value());
  EXPECT_TRUE(framing.is_done());
  EXPECT_EQ(framing.trailers().Value("x-amz-a"), "b c");
}

TEST(ChunkFramingTest, TakesWhatTheStandardAllows) {
  for (const std::string_view head : {"3\r\n", "0003\r\n", "3;a\r\n", "3 ; a=b\r\n", "3\t;a\r\n"}) {
    EXPECT_EQ(Read(std::string(head) + "abc\r\n0\r\n\r\n"), "abc") << head;
  }
  EXPECT_EQ(Read("A\r\n0123456789\r\n00;last\r\n\r\n"), "0123456789");
}

TEST(ChunkFramingTest, RefusesWhatAnotherReaderMayTakeOtherwise) {
  for (const std::string_view head :
       {"+3\r\n", "-3\r\n", "0x3\r\n", " 3\r\n", "3 \r\n", "3\t\r\n", "\r\n", "3_\r\n", "3\n",
        "3\r\r\n", "3;a\nb\r\n", "3;a\rb\r\n", "10000000000000003\r\n", "ffffffffffffffff\r\n"}) {
    EXPECT_TRUE(IsRefused(std::string(head) + "abc\r\n0\r\n\r\n")) << head;
  }
  for (const std::string_view end :
       {"abc\n0\r\n\r\n", "abcX\r\n0\r\n\r\n", "abc0\r\n\r\n", "abc\r\n0\n\r\n", "abc\r\n0\r\n\n",
        "abc\r\n0\r\nname\r\n\r\n", "abc\r\n0\r\nname : a\r\n\r\n", "abc\r\n0\r\n name: a\r\n\r\n",
        "abc\r\n0\r\na: b\r\n c: d\r\n\r\n"}) {
    EXPECT_TRUE(IsRefused(std::string("3\r\n").append(end))) << end;
  }
}

}  // namespace
}  // namespace headrace::net
