// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/part_size.h"

#include <gtest/gtest.h>

namespace headrace::fetch {
namespace {

constexpr uint64_t kMebibyte = 1ULL << 20U;

TEST(StoredPartSize, IsTheLeastWholeMebibyteThatMakesThatManyParts) {
  EXPECT_EQ(StoredPartSize("abc-4", 32 * kMebibyte), 8 * kMebibyte);
  EXPECT_EQ(StoredPartSize("abc-4", 25 * kMebibyte + 1), 7 * kMebibyte);
  EXPECT_EQ(StoredPartSize("abc-205", 1024 * kMebibyte), 5 * kMebibyte);
}

TEST(StoredPartSize, IsUnknownWhereTheEtagDoesNotTell) {
  for (const char* etag : {"", "abc", "abc-", "abc-1", "abc-x", "abc-3x", "abc-99999"}) {
    EXPECT_EQ(StoredPartSize(etag, 100 * kMebibyte), std::nullopt) << etag;
  }
  // 100 parts of a whole MiB each are no 3 MiB.
  EXPECT_EQ(StoredPartSize("abc-100", 3 * kMebibyte), std::nullopt);
}

TEST(PartSizeFor, CutsWhereStoredPartsBegin) {
  constexpr uint64_t kLeast = 8 * kMebibyte;
  EXPECT_EQ(PartSizeFor("abc", 1024 * kMebibyte, kLeast), kLeast);
  EXPECT_EQ(PartSizeFor("abc-128", 1024 * kMebibyte, kLeast), 8 * kMebibyte);
  EXPECT_EQ(PartSizeFor("abc-205", 1024 * kMebibyte, kLeast), 10 * kMebibyte);  // Stored as 5.
  EXPECT_EQ(PartSizeFor("abc-103", 1024 * kMebibyte, kLeast), 10 * kMebibyte);
  EXPECT_EQ(PartSizeFor("abc-16", 1024 * kMebibyte, kLeast), 16 * kMebibyte);  // Stored as 64.
}

}  // namespace
}  // namespace headrace::fetch
