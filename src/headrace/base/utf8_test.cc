// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/utf8.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(IsUtf8, TakesCharactersOfEveryLength) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("a\u00e9\u20ac\U0001F600"));
  EXPECT_TRUE(IsUtf8(std::string_view("a\0b", 3)));
}

TEST(IsUtf8, RefusesWhatRfc3629Refuses) {
  EXPECT_FALSE(IsUtf8("\x80"));              // A continuation alone.
  EXPECT_FALSE(IsUtf8("\xc0\xaf"));          // Longer than need be.
  EXPECT_FALSE(IsUtf8("\xe0\x80\xaf"));      // The same in three bytes.
  EXPECT_FALSE(IsUtf8("\xed\xa0\x80"));      // A surrogate.
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));  // Above U+10FFFF.
  EXPECT_FALSE(IsUtf8("\xe2\x82"));          // Cut short.
  EXPECT_FALSE(IsUtf8("\xff"));
  EXPECT_FALSE(IsUtf8("abc\xff"));
  EXPECT_FALSE(IsUtf8("abc\xe2\x82"));
}

TEST(FirstCharacters, CountsCharactersNotBytes) {
  EXPECT_EQ(FirstCharacters("a\u00e9\u20ac\U0001F600b", 4), "a\u00e9\u20ac\U0001F600");
  EXPECT_EQ(FirstCharacters("ab", 4), "ab");
  EXPECT_EQ(FirstCharacters("\xff\xff\xff", 2), "\xff\xff");
}

}  // namespace
}  // namespace headrace
