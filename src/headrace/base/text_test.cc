// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/text.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(Text, CaseIsTheCaseOfAsciiLettersAlone) {
  EXPECT_TRUE(EqualIgnoringCase("Content-Length", "content-LENGTH"));
  EXPECT_FALSE(EqualIgnoringCase("a", "ab"));
  EXPECT_FALSE(EqualIgnoringCase("@", "`"));  // One bit apart, as letters are.
  EXPECT_EQ(LowerCase("X-Amz-[Z]\xC3\x84"), "x-amz-[z]\xC3\x84");
}

TEST(Text, BlanksGoAtBothEndsOnly) {
  EXPECT_EQ(Trim(" \ta b\t "), "a b");
  EXPECT_EQ(Trim(" \t"), "");
  EXPECT_EQ(Trim(""), "");
  EXPECT_EQ(Trim("a\n"), "a\n");
  EXPECT_EQ(Trim("\t7 \r\n", " \r\n"), "\t7");
}

TEST(Text, ANumberIsDigitsAlone) {
  EXPECT_EQ(ParseDecimal("0042"), 42U);
  EXPECT_EQ(ParseDecimal("9999999999999999999"), 9'999'999'999'999'999'999U);
  for (const char* text : {"", "+1", "-1", "1 ", "0x1", "10000000000000000000"}) {
    EXPECT_EQ(ParseDecimal(text), std::nullopt) << text;
  }
}

TEST(Text, HexadecimalDigitsHaveEitherCase) {
  EXPECT_EQ(HexDigitValue('0'), 0);
  EXPECT_EQ(HexDigitValue('a'), 10);
  EXPECT_EQ(HexDigitValue('F'), 15);
  for (const char c : {'g', 'G', '/', ':', '@', '`', '\0', '\xFF'}) {
    EXPECT_EQ(HexDigitValue(c), -1) << c;
  }
}

TEST(Text, OneOfAUnitIsNoPlural) {
  EXPECT_EQ(CountText(0, "file"), "0 files");
  EXPECT_EQ(CountText(1, "file"), "1 file");
  EXPECT_EQ(CountText(2, "file"), "2 files");
}

TEST(Text, ASizeRoundsIntoTheNextUnit) {
  EXPECT_EQ(SizeText(0), "0 B");
  EXPECT_EQ(SizeText(1023), "1023 B");
  EXPECT_EQ(SizeText(1024), "1.0 KiB");
  EXPECT_EQ(SizeText((1ULL << 20U) - 1), "1.0 MiB");
  EXPECT_EQ(SizeText(5ULL << 40U), "5.0 TiB");
  EXPECT_EQ(SizeText(~0ULL), "16.0 EiB");
}

TEST(Text, ClassesOfCharactersEndAtTheirLastOne) {
  for (const char c : {'0', '9', 'a', 'z', 'A', 'Z'}) EXPECT_TRUE(IsLetterOrDigit(c)) << c;
  for (const char c : {'/', ':', '`', '{', '@', '[', '_', '\xE4'}) {
    EXPECT_FALSE(IsLetterOrDigit(c)) << c;
  }
  EXPECT_TRUE(IsDigit('0') && IsDigit('9'));
  EXPECT_FALSE(IsDigit('a'));
}

}  // namespace
}  // namespace headrace
