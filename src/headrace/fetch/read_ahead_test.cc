// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/read_ahead.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::fetch {
namespace {

constexpr uint64_t kMebibyte = 1ULL << 20U;
constexpr uint64_t kObject = 1024 * kMebibyte;

TEST(ReadAhead, ReachesFurtherWithEveryReadInOrder) {
  ReadAhead ahead({}, kObject);
  uint64_t before = 0;
  for (uint64_t at = 0; at < 64 * kMebibyte; at += 2 * kMebibyte) {
    const auto wish = ahead.OnRead({.begin = at, .end = at + 2 * kMebibyte});
    EXPECT_TRUE(wish.is_in_order);
    const uint64_t reach = wish.until - (at + 2 * kMebibyte);
    EXPECT_GE(reach + 8 * kMebibyte, before);
    EXPECT_LE(reach, (128 + 8) * kMebibyte);
    before = reach;
  }
  EXPECT_GE(before, 128 * kMebibyte);
}

TEST(ReadAhead, SmallReadsInOrderAskForLargePieces) {
  ReadAhead ahead({}, kObject);
  uint64_t until = 0;
  uint64_t requests = 0;
  for (uint64_t at = 0; at < 512 * kMebibyte; at += 128 * 1024) {
    const auto wish = ahead.OnRead({.begin = at, .end = at + 128 * 1024});
    if (wish.until > until) {
      requests +=
          CutAhead({.begin = until, .end = wish.until}, wish.piece_bytes, 8 * kMebibyte).size();
    }
    until = std::max(until, wish.until);
  }
  // 640 MiB in pieces of 8 MiB, and the smaller ones at the beginning.
  EXPECT_LE(requests, 125U);
}

TEST(ReadAhead, RandomReadsBringExactlyWhatWasAskedFor) {
  ReadAhead ahead({}, kObject);
  Random random(5);
  for (int i = 0; i < 100; ++i) {
    const uint64_t begin = (2 + 10 * static_cast<uint64_t>(i)) * kMebibyte + random.Below(1000);
    const auto wish = ahead.OnRead({.begin = begin, .end = begin + 256 * 1024});
    EXPECT_FALSE(wish.is_in_order);
    EXPECT_EQ(wish.until, begin + 256 * 1024);
  }
}

TEST(ReadAhead, ASmallObjectIsWantedWholeFromItsFirstRead) {
  ReadAhead ahead({}, 100'000);
  EXPECT_EQ(ahead.OnRead({.begin = 0, .end = 4096}).until, 100'000U);
}

TEST(ReadAhead, AJumpForgetsHowFarItReached) {
  ReadAhead ahead({}, kObject);
  for (uint64_t at = 0; at < 32; ++at) {
    ahead.OnRead({.begin = at * kMebibyte, .end = (at + 1) * kMebibyte});
  }
  ahead.OnRead({.begin = 500 * kMebibyte, .end = 501 * kMebibyte});
  const auto next = ahead.OnRead({.begin = 501 * kMebibyte, .end = 502 * kMebibyte});
  EXPECT_TRUE(next.is_in_order);
  EXPECT_LE(next.until, 503 * kMebibyte);
}

TEST(ReadAhead, EndsWithTheObject) {
  ReadAhead ahead({}, 3 * kMebibyte);
  for (uint64_t at = 0; at < 3; ++at) {
    EXPECT_LE(ahead.OnRead({.begin = at * kMebibyte, .end = (at + 1) * kMebibyte}).until,
              3 * kMebibyte);
  }
}

TEST(CutAhead, PiecesGrowAndEndAtMultiplesOfThePartSize) {
  const auto pieces = CutAhead({.begin = 3, .end = 100}, 4, 32);
  uint64_t at = 3;
  for (const ByteRange& piece : pieces) {
    EXPECT_EQ(piece.begin, at);
    EXPECT_LE(piece.size_bytes(), 32U);
    EXPECT_EQ(piece.begin / 32, (piece.end - 1) / 32) << "crosses a multiple";
    at = piece.end;
  }
  EXPECT_EQ(at, 100U);
  EXPECT_EQ(pieces.front().size_bytes(), 4U);
}

TEST(Coalesce, JoinsWhatIsNearAndLeavesWhatIsFar) {
  const std::vector<ByteRange> ranges{{50, 60}, {0, 10}, {12, 20}, {200, 210}, {205, 230}};
  const std::vector<ByteRange> expected{{0, 20}, {50, 60}, {200, 230}};
  EXPECT_EQ(Coalesce(ranges, 5, 100), expected);
}

TEST(Coalesce, KeepsSpansToTheirLimitUnlessRangesOverlap) {
  const std::vector<ByteRange> near{{0, 10}, {10, 20}, {20, 30}};
  const std::vector<ByteRange> expected{{0, 20}, {20, 30}};
  EXPECT_EQ(Coalesce(near, 5, 20), expected);
  const std::vector<ByteRange> overlapping{{0, 15}, {10, 40}};
  EXPECT_EQ(Coalesce(overlapping, 0, 20), (std::vector<ByteRange>{{0, 40}}));
}

TEST(JoinHints, KeepsTheOrderInWhichTheyWereNamed) {
  const std::vector<ByteRange> ranges = {{.begin = 900, .end = 950}, {.begin = 30, .end = 40},
                                         {.begin = 5, .end = 5},     {.begin = 800, .end = 820},
                                         {.begin = 10, .end = 20},   {.begin = 400, .end = 410}};
  const auto groups = JoinHints(ranges, 100, 200);
  ASSERT_EQ(groups.size(), 3U);
  EXPECT_EQ(groups[0].joined, (ByteRange{.begin = 800, .end = 950}));
  EXPECT_EQ(groups[0].ranges, (std::vector<ByteRange>{ranges[0], ranges[3]}));
  EXPECT_EQ(groups[1].joined, (ByteRange{.begin = 10, .end = 40}));
  EXPECT_EQ(groups[1].ranges, (std::vector<ByteRange>{ranges[1], ranges[4]}));
  EXPECT_EQ(groups[2].joined, ranges[5]);
}

}  // namespace
}  // namespace headrace::fetch
