// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/json_line.h"

#include <gtest/gtest.h>

namespace headrace::cli {
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

}  // namespace
}  // namespace headrace::cli
