// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/trailing_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

SplitArguments Split(const std::vector<std::string>& arguments) {
  return SplitTrailingCommand(arguments, Commands());
}

TEST(SplitTrailingCommand, CutsAtTheFirstDashesBehindRun) {
  const SplitArguments split =
      Split({"--quiet", "run", "job.toml", "--", "sh", "", "[a,b]", "--", "--help"});
  EXPECT_THAT(split.own, ElementsAre("--quiet", "run", "job.toml"));
  EXPECT_THAT(split.trailing, ElementsAre("sh", "", "[a,b]", "--", "--help"));
}

TEST(SplitTrailingCommand, LeavesOtherCommandsAndBareRunsAlone) {
  EXPECT_THAT(Split({"cp", "--", "-x", "run"}).own, ElementsAre("cp", "--", "-x", "run"));
  EXPECT_THAT(Split({"cp", "--", "-x", "run"}).trailing, IsEmpty());
  EXPECT_THAT(Split({"run", "job.toml"}).own, ElementsAre("run", "job.toml"));
  EXPECT_THAT(Split({"--help"}).own, ElementsAre("--help"));
  EXPECT_THAT(Split({}).own, IsEmpty());
}

}  // namespace
}  // namespace headrace::cli
