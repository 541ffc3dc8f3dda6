// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/option_checks.h"

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
