// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::plan {
namespace {

using ::testing::HasSubstr;

using Variables = std::map<std::string, std::string>;

TEST(RankFromEnvironment, KnowsTheLaunchers) {
  for (const auto& [index_name, count_name] :
       Variables{{"RANK", "WORLD_SIZE"},
                 {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                 {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"},
                 {"PMI_RANK", "PMI_SIZE"},
                 {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
                 {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"}}) {
    const Environment environment(Variables{{index_name, "3"}, {count_name, "8"}});
    EXPECT_EQ(RankFromEnvironment(environment).value(), (Rank{.index = 3, .count = 8}));
  }
}

TEST(RankFromEnvironment, IsNothingWithoutALauncher) {
  EXPECT_FALSE(RankFromEnvironment(Environment()).value().has_value());
}

TEST(RankFromEnvironment, TorchrunInsideSlurmCounts) {
  const Environment environment(Variables{
      {"RANK", "9"}, {"WORLD_SIZE", "16"}, {"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}});
  EXPECT_EQ(RankFromEnvironment(environment).value(), (Rank{.index = 9, .count = 16}));
}

TEST(RankFromEnvironment, ASlurmBatchScriptIsNoRank) {
  const Environment environment(Variables{{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "8"}});
  EXPECT_FALSE(RankFromEnvironment(environment).value().has_value());
}

TEST(RankFromEnvironment, RefusesWhatIsNoRank) {
  for (const auto& [index, count] : Variables{
           {"1", ""}, {"7", "7x"}, {"8", "8"}, {"-1", "8"}, {"x", "8"}, {"1 ", "8"}, {"0", "0"}}) {
    const Environment environment(Variables{{"RANK", index}, {"WORLD_SIZE", count}});
    const auto rank = RankFromEnvironment(environment);
    ASSERT_FALSE(rank.has_value()) << index << " of " << count;
    EXPECT_THAT(rank.error().message(), HasSubstr("WORLD_SIZE"));
  }
}

}  // namespace
}  // namespace headrace::plan
