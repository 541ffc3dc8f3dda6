// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/json_line.h"

#include <gtest/gtest.h>

namespace headrace {
namespace {

TEST(JsonLine, KeepsTheOrderAndEscapes) {
  EXPECT_EQ(JsonLine().Add("b", "x\"y\n").Add("a", uint64_t{7}).Add("c", true).Text(),
            R"({"b":"x\"y\n","a":7,"c":true})");
  EXPECT_EQ(JsonLine().Text(), "{}");
}

TEST(JsonLine, LeavesOutWhatIsEmptyOnlyWhenTold) {
  EXPECT_EQ(JsonLine().AddIfAny("a", "").Add("b", "").Text(), R"({"b":""})");
}

TEST(JsonLine, ReplacesBytesThatAreNotUtf8) { EXPECT_EQ(JsonString("a\xff"), "\"a\xef\xbf\xbd\""); }

TEST(JsonString, EscapesControlCharactersAndKeepsOtherAlphabets) {
  EXPECT_EQ(JsonString(std::string_view("\0\t\x7f\\/", 5)), R"("\u0000\t\u007f\\/")");
  EXPECT_EQ(JsonString("gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80"),
            "\"gr\xc3\xbc\xc3\x9f\xf0\x9f\x98\x80\"");
  EXPECT_EQ(JsonString("\xc3"), "\"\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace headrace
