// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/key_split.h"

#include <gtest/gtest.h>

namespace headrace::plan {
namespace {

std::string Split(const ListedSpan& span) {
  const auto split = SplitKey(span);
  return split ? split->key : "(none)";
}

TEST(SplitKey, BisectsTheLevelsOfTheFirstSpan) {
  ListedSpan span{.prefix = "d/", .first = "d/img_00000001", .last = "d/img_00001000"};
  EXPECT_EQ(Split(span), "d/img_5");
  span.end = "d/img_5";
  EXPECT_EQ(Split(span), "d/img_005");
  span.end = "d/img_005";
  EXPECT_EQ(Split(span), "d/img_0005");
}

TEST(SplitKey, GoesLeftOfTheSplitThatMadeTheSpan) {
  const ListedSpan span{
      .prefix = "d/", .begin = "d/00005", .first = "d/000050001/a", .last = "d/000050009/a"};
  EXPECT_EQ(Split(span), "d/05");
}

TEST(SplitKey, LeavesASpanOfLessThanTwoPagesAlone) {
  EXPECT_EQ(Split({.prefix = "", .first = "a1", .last = "a6", .end = "a9"}), "(none)");
  EXPECT_EQ(Split({.prefix = "", .first = "a1", .last = "a3", .end = "a7"}), "a5");
  EXPECT_TRUE(SplitKey({.prefix = "", .first = "a1", .last = "a3", .end = "a7"})->is_finest);
}

TEST(SplitKey, StaysWithinTheEnd) {
  EXPECT_EQ(Split({.prefix = "", .first = "a1", .last = "a2", .end = "a8"}), "a5");
  EXPECT_EQ(Split({.prefix = "", .first = "a1", .last = "a2", .end = "a4x"}), "a3");
  EXPECT_EQ(Split({.prefix = "", .first = "a1", .last = "a3", .end = "a3x"}), "(none)");
  EXPECT_EQ(Split({.prefix = "", .first = "ab", .last = "ab", .end = "b"}), "an");
}

TEST(SplitKey, NeverLeavesThePrefix) {
  EXPECT_EQ(Split({.prefix = "abc", .first = "abc", .last = "abc1"}), "abc5");
  EXPECT_EQ(Split({.prefix = "abcd", .first = "abcd", .last = "abcd"}), "(none)");
}

TEST(SplitKey, SkipsLevelsThatAreNotAscii) {
  EXPECT_EQ(Split({.prefix = "", .first = "aü1", .last = "aü2"}), "aü6");
  EXPECT_EQ(Split({.prefix = "a", .first = "aä", .last = "aü"}), "(none)");
  EXPECT_EQ(Split({.prefix = "", .first = "a\x01", .last = "a\x02"}), "n");
}

TEST(SplitKey, GoesOnPastTheLastCharacterOfAClass) {
  EXPECT_EQ(Split({.prefix = "9", .first = "9a", .last = "9f"}), "9p");
  EXPECT_EQ(Split({.prefix = "", .first = "9", .last = "9"}), ":");
  EXPECT_EQ(Split({.prefix = "", .first = "~", .last = "~"}), "(none)");
}

}  // namespace
}  // namespace headrace::plan
