// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/path_filter.h"

#include <string>

#include <gtest/gtest.h>

namespace headrace::file {
namespace {

TEST(MatchesGlob, StarTakesAnyRunOfCharactersSlashesIncluded) {
  EXPECT_TRUE(MatchesGlob("*", ""));
  EXPECT_TRUE(MatchesGlob("*.png", "animals/cats/tom.png"));
  EXPECT_TRUE(MatchesGlob("a*b*c", "a/b/b/c"));
  EXPECT_FALSE(MatchesGlob("*.png", "tom.png.txt"));
  EXPECT_FALSE(MatchesGlob("a*b*c", "acb"));
}

TEST(MatchesGlob, QuestionMarkTakesOneUtf8Character) {
  EXPECT_TRUE(MatchesGlob("?.txt", "\u00e9.txt"));
  EXPECT_TRUE(MatchesGlob("a?c", "a/c"));
  EXPECT_FALSE(MatchesGlob("?", ""));
  EXPECT_FALSE(MatchesGlob("?", "ab"));
  EXPECT_TRUE(MatchesGlob("??", "\xff\xfe"));
}

TEST(MatchesGlob, SetsTakeRangesAndNegation) {
  EXPECT_TRUE(MatchesGlob("part-[0-9].tar", "part-7.tar"));
  EXPECT_FALSE(MatchesGlob("part-[0-9].tar", "part-x.tar"));
  EXPECT_TRUE(MatchesGlob("[!a-c]", "d"));
  EXPECT_FALSE(MatchesGlob("[!a-c]", "b"));
  EXPECT_TRUE(MatchesGlob("[]x]", "]"));
  EXPECT_TRUE(MatchesGlob("[a-]", "-"));
  EXPECT_TRUE(MatchesGlob("[\u00e0-\u00ef]", "\u00e9"));
}

TEST(MatchesGlob, AnUnclosedBracketStandsForItself) {
  EXPECT_TRUE(MatchesGlob("a[b", "a[b"));
  EXPECT_FALSE(MatchesGlob("a[b", "ab"));
}

TEST(MatchesGlob, ManyStarsOverALongTextStayQuick) {
  const std::string text(10'000, 'a');
  EXPECT_FALSE(MatchesGlob("*a*a*a*a*a*a*a*a*b", text));
}

TEST(PathFilter, EverythingIsInWithoutRules) { EXPECT_TRUE(PathFilter().Includes("a/b")); }

TEST(PathFilter, TheLastMatchingRuleDecides) {
  const PathFilter only_text(
      {{.is_include = false, .pattern = "*"}, {.is_include = true, .pattern = "*.txt"}});
  EXPECT_TRUE(only_text.Includes("notes/a.txt"));
  EXPECT_FALSE(only_text.Includes("notes/a.png"));
  const PathFilter nothing(
      {{.is_include = true, .pattern = "*.txt"}, {.is_include = false, .pattern = "*"}});
  EXPECT_FALSE(nothing.Includes("notes/a.txt"));
}

}  // namespace
}  // namespace headrace::file
