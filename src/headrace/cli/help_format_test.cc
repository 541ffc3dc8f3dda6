// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/help_format.h"

#include <sstream>

#include <CLI/Config.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(TwoColumns, StandSideBySideWhereTheLeftOneIsShort) {
  EXPECT_EQ(TwoColumns("--json", "One object"), "  --json                      One object\n");
  EXPECT_EQ(TwoColumns("--json", ""), "  --json\n");
}

TEST(TwoColumns, PutTheTextBelowALongName) {
  EXPECT_EQ(TwoColumns("--a-name-of-many-letters VALUE", "Text"),
            "  --a-name-of-many-letters VALUE\n                              Text\n");
}

TEST(TwoColumns, WrapBetweenWords) {
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  words += std::string(90, 'x');
  std::istringstream lines(TwoColumns("--name", words));
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    // A word that is longer than a line stays whole.
    EXPECT_TRUE(line.size() <= 100 || line.contains("xx")) << line;
    EXPECT_FALSE(line.ends_with(' ')) << line;
  }
  EXPECT_GT(count, 4);
}

TEST(HelpFormatter, SaysDefaultsAndExclusionsInWords) {
  CLI::App app("text", "tool");
  app.formatter(MakeHelpFormatter());
  int number = 7;
  std::string source;
  app.add_option("--number", number, "How many")->type_name("COUNT")->capture_default_str();
  bool is_none = false;
  app.add_flag("--none", is_none, "None at all")->excludes("--number");
  app.add_option("SOURCE", source, "Where from")->required();
  app.add_subcommand("part", "A part of it");
  const std::string help = app.help();
  EXPECT_THAT(help, HasSubstr("--number COUNT              How many (default: 7) (not with"));
  EXPECT_THAT(help, HasSubstr("--none                      None at all (not with --number)"));
  EXPECT_THAT(help, HasSubstr("  SOURCE                      Where from\n"));
  EXPECT_THAT(help, Not(HasSubstr("REQUIRED")));
  EXPECT_THAT(help, HasSubstr("[COMMAND]"));
}

}  // namespace
}  // namespace headrace::cli
