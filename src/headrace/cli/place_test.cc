// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/place.h"

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(ParsePlace, TellsStreamsStoresAndPathsApart) {
  EXPECT_EQ(ParsePlace("-")->kind, Place::Kind::kStream);
  EXPECT_EQ(ParsePlace("./-")->path, "./-");
  EXPECT_EQ(ParsePlace("s3://b/a//b")->uri, (S3Uri{"b", "a//b"}));
  EXPECT_FALSE(ParsePlace("").has_value());
  EXPECT_FALSE(ParsePlace("s3://").has_value());
  EXPECT_FALSE(ParsePlace("s3a://AK:secret@b/a").has_value());
}

TEST(SingleTargetKey, KeepsTheNameWhenTheTargetIsAFolder) {
  EXPECT_EQ(SingleTargetKey("", "f.txt"), "f.txt");
  EXPECT_EQ(SingleTargetKey("p/", "f.txt"), "p/f.txt");
  EXPECT_EQ(SingleTargetKey("p", "f.txt"), "p");
}

TEST(FolderPrefix, EndsWithOneSlashUnlessEmpty) {
  EXPECT_EQ(FolderPrefix(""), "");
  EXPECT_EQ(FolderPrefix("a"), "a/");
  EXPECT_EQ(FolderPrefix("a/"), "a/");
}

TEST(OverlapOf, TellsWhichOfTwoPrefixesHoldsTheOther) {
  struct Row {
    S3Uri source;
    S3Uri target;
    Overlap overlap;
  };
  const Row rows[] = {
      {{"b", "x/"}, {"b", "x/"}, Overlap::kSame},
      {{"b", ""}, {"b", ""}, Overlap::kSame},
      {{"b", "x/"}, {"b", "x/y/"}, Overlap::kTargetInSource},
      {{"b", ""}, {"b", "x/"}, Overlap::kTargetInSource},
      {{"b", "x/y/"}, {"b", "x/"}, Overlap::kSourceInTarget},
      {{"b", "x/y/"}, {"b", ""}, Overlap::kSourceInTarget},
      {{"b", "x/"}, {"b", "xy/"}, Overlap::kNone},
      {{"b", "x/"}, {"c", "x/"}, Overlap::kNone},
      {{"b", "x/"}, {"c", "x/y/"}, Overlap::kNone},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(OverlapOf(row.source, row.target), row.overlap)
        << row.source.key << " to " << row.target.bucket << "/" << row.target.key;
  }
}

TEST(PathBelow, JoinsWithOneSlash) {
  EXPECT_EQ(PathBelow("out", "a/b"), "out/a/b");
  EXPECT_EQ(PathBelow("out//", "a"), "out/a");
  EXPECT_EQ(PathBelow("/", "a"), "/a");
  EXPECT_EQ(PathBelow(".", "a"), "a");
  EXPECT_EQ(PathBelow("", "a"), "a");
}

TEST(LastPart, IsEmptyBehindASlash) {
  EXPECT_EQ(LastPart("a/b"), "b");
  EXPECT_EQ(LastPart("b"), "b");
  EXPECT_EQ(LastPart("a/"), "");
}

}  // namespace
}  // namespace headrace::cli
