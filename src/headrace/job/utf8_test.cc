// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/utf8.h"

#include <string>

#include <gtest/gtest.h>

namespace headrace::job {
namespace {

TEST(IsUtf8, RefusesWhatTheStandardRefuses) {
  EXPECT_TRUE(IsUtf8("aé€😀"));
  EXPECT_FALSE(IsUtf8("\xff"));
  EXPECT_FALSE(IsUtf8("\xc0\x80"));          // Overlong.
  EXPECT_FALSE(IsUtf8("\xed\xa0\x80"));      // A surrogate.
  EXPECT_FALSE(IsUtf8("\xf4\x90\x80\x80"));  // Beyond U+10FFFF.
  EXPECT_FALSE(IsUtf8("\xe2\x82"));          // Cut.
}

TEST(FirstCharacters, CountsCharactersNotBytes) {
  EXPECT_EQ(FirstCharacters("aé€😀b", 4), "aé€😀");
  EXPECT_EQ(FirstCharacters("ab", 4), "ab");
  EXPECT_EQ(FirstCharacters("\xff\xff\xff", 2), "\xff\xff");
}

}  // namespace
}  // namespace headrace::job
