// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/option_checks.h"

#include <map>
#include <string>
#include <vector>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(NumberFrom, TakesNumbersInsideAndNothingElse) {
  const CLI::Validator check = NumberFrom(0.5, 10);
  for (const char* good : {"0.5", "1", "10", "1e1"}) EXPECT_EQ(check(good), "") << good;
  for (const char* bad : {"0.4", "11", "-1", "nan", "-nan", "inf", "x", "1x", ""}) {
    EXPECT_NE(check(bad), "") << bad;
  }
}

TEST(WholeNumber, TakesWhatFits) {
  const CLI::Validator check = WholeNumber();
  for (const char* good : {"0", "7", "18446744073709551615"}) EXPECT_EQ(check(good), "") << good;
  for (const char* bad : {"-5", "+5", "1.5", "99999999999999999999999", "", " 1", "1 "}) {
    EXPECT_NE(check(bad), "") << bad;
  }
}

TEST(WholeNumberFrom, TakesNumbersInsideAndNothingElse) {
  const CLI::Validator check = WholeNumberFrom(2, 10);
  for (const char* good : {"2", "10", "007"}) EXPECT_EQ(check(good), "") << good;
  for (const char* bad : {"1", "11", "-5", "+5", "2.0", "x", ""}) EXPECT_NE(check(bad), "") << bad;
  EXPECT_EQ(check("11"), "11 is not a whole number of at least 2 and at most 10");
  EXPECT_EQ(WholeNumberFrom(1)("0"), "0 is not a whole number of at least 1");
}

TEST(OneOf, TakesItsWordsAndNamesThem) {
  const CLI::Validator check = OneOf({"memory", "file"});
  EXPECT_EQ(check("file"), "");
  EXPECT_EQ(check("disk"), "disk is not one of memory, file");
}

TEST(Checks, AddNothingToTheTypeInHelp) {
  for (const CLI::Validator& check :
       {NumberFrom(0, 1), WholeNumber(), WholeNumberFrom(1, 2), Size(), OneOf({"a"})}) {
    EXPECT_EQ(check.get_description(), "");
  }
}

TEST(WholeNumber, IsDecimalWhateverItBeginsWith) {
  std::string text = "010";
  EXPECT_EQ(WholeNumber()(text), "");
  EXPECT_EQ(text, "10");
}

TEST(Size, TakesUnitsAndNothingThatDoesNotFit) {
  CLI::App app("test");
  uint64_t size_bytes = 0;
  app.add_option("--size", size_bytes)->transform(Size());
  const std::map<std::string, uint64_t> sizes{{"5", 5}, {"010kb", 10240}, {"2GiB", 1ULL << 31U}};
  for (const auto& [text, expected] : sizes) {
    app.parse(std::vector<std::string>{"--size=" + text});
    EXPECT_EQ(size_bytes, expected) << text;
  }
  for (const std::string bad :
       {"-1", "-1GiB", "+1", "99999999999999999999", "99999999999999999999KiB", "99999999999GiB",
        "1.5GiB", "1XB", "x"}) {
    EXPECT_THROW(app.parse(std::vector<std::string>{"--size=" + bad}), CLI::ValidationError) << bad;
  }
  EXPECT_EQ(Size()("0"), "0 is no size above 0");
  EXPECT_EQ(Size()("0MB"), "0MB is no size above 0");
}

TEST(EmptyOption, NamesWhatWasGivenWithoutAValue) {
  CLI::App app("test");
  std::string option;
  std::string argument;
  bool flag = false;
  app.add_option("--option", option);
  CLI::App* const command = app.add_subcommand("command", "");
  command->add_option("ARGUMENT", argument);
  command->add_flag("--flag", flag);
  app.parse(std::vector<std::string>{"--flag", "command"});
  EXPECT_EQ(EmptyOption(app), "");
  app.parse(std::vector<std::string>{"command", "", "--option"});
  EXPECT_EQ(EmptyOption(app), "--option");
  app.parse(std::vector<std::string>{"", "command"});
  EXPECT_EQ(EmptyOption(app), "ARGUMENT");
}

}  // namespace
}  // namespace headrace::cli
