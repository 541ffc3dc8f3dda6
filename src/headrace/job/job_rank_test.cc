// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_rank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/job/config_files.h"
#include "headrace/job/job_flags.h"
#include "testing/result_matchers.h"

namespace headrace::job {
namespace {

using headrace::testing::IsOk;
using plan::Rank;
using ::testing::HasSubstr;

const Environment kTorchrun({{"RANK", "3"}, {"WORLD_SIZE", "8"}});

TEST(RankOf, TakesTheFlagsThenTheLauncherThenTheHosts) {
  JobSpec spec;
  EXPECT_EQ(RankOf(spec, Environment()).value(), (Rank{.index = 0, .count = 1}));
  EXPECT_EQ(RankOf(spec, kTorchrun).value(), (Rank{.index = 3, .count = 8}));
  spec.rank = Rank{.index = 1, .count = 2};
  EXPECT_EQ(RankOf(spec, kTorchrun).value(), (Rank{.index = 1, .count = 2}));
  spec.rank.reset();
  spec.hosts = {"b", "a"};
  spec.current_host = "b";
  EXPECT_EQ(RankOf(spec, Environment()).value(), (Rank{.index = 1, .count = 2}));
}

TEST(RankOf, RefusesHostsThatSayOtherwise) {
  JobSpec spec;
  spec.hosts = {"a", "b"};
  spec.current_host = "b";
  EXPECT_THAT(
      RankOf(spec, kTorchrun).error().message(),
      HasSubstr("rank 1 of 2 by the list of hosts, but 3 of 8 by the launcher's variables"));
  const Environment agreeing({{"SLURM_PROCID", "1"}, {"SLURM_STEP_NUM_TASKS", "2"}});
  EXPECT_EQ(RankOf(spec, agreeing).value(), (Rank{.index = 1, .count = 2}));
  spec.rank = Rank{.index = 0, .count = 2};
  EXPECT_THAT(RankOf(spec, agreeing).error().message(),
              HasSubstr("but 0 of 2 by --rank and --world-size"));
}

TEST(RankFlags, NeedEachOtherAndCountFromZero) {
  const auto refusal = [](const JobFlags& flags) {
    return ApplyFlags(flags, JobSpec()).error().message();
  };
  EXPECT_THAT(refusal({.rank = 1}), HasSubstr("--rank and --world-size need each other"));
  EXPECT_THAT(refusal({.world_size = 1}), HasSubstr("need each other"));
  EXPECT_THAT(refusal({.rank = 2, .world_size = 2}), HasSubstr("ranks count from 0"));
  EXPECT_EQ(ApplyFlags({.rank = 1, .world_size = 2}, JobSpec()).value().rank,
            (Rank{.index = 1, .count = 2}));
}

TEST(ExpandRank, GivesEachRankPlacesOfItsOwn) {
  JobSpec spec;
  spec.name = "job-{rank}";
  spec.base_directory = "/tmp/{rank}/job-{rank}";
  spec.output_uri = "s3://b/out";
  spec.checkpoint.s3_uri = "s3://b/ckpt/{rank}";
  ASSERT_THAT(ExpandRank(kTorchrun, spec), IsOk());
  EXPECT_EQ(spec.name, "job-3");
  EXPECT_EQ(spec.base_directory, "/tmp/3/job-3");
  EXPECT_EQ(spec.output_uri, "s3://b/out");
  EXPECT_EQ(spec.checkpoint.s3_uri, "s3://b/ckpt/3");
}

TEST(ExpandRank, AsksForARankOnlyWhereOneIsWanted) {
  Environment half;
  half.Set("RANK", "3");
  JobSpec spec;
  EXPECT_THAT(ExpandRank(half, spec), IsOk());
  spec.base_directory = "/job-{rank}";
  EXPECT_THAT(ExpandRank(half, spec).error().message(), HasSubstr("{rank}: RANK='3'"));
}

TEST(ApplyResourceConfig, TakesTheHostsFromSageMakersFile) {
  JobSpec spec;
  ASSERT_THAT(
      ApplyResourceConfig(R"({"current_host":"algo-2","hosts":["algo-3","algo-2","algo-1"],)"
                          R"("current_instance_type":"ml.g5.xlarge",)"
                          R"("network_interface_name":"eth1"})",
                          spec),
      IsOk());
  EXPECT_EQ(RankOf(spec, Environment()).value(), (Rank{.index = 1, .count = 3}));
  EXPECT_EQ(spec.instance_type, "ml.g5.xlarge");
  EXPECT_EQ(spec.network_interface, "eth1");
}

TEST(ApplyResourceConfig, SaysWhatIsWrong) {
  JobSpec spec;
  for (const char* const bad :
       {"", "{", "[]", R"({"hosts":["a"]})", R"({"current_host":"a"})",
        R"({"current_host":"a","hosts":"a"})", R"({"current_host":"a","hosts":[1]})"}) {
    EXPECT_FALSE(ApplyResourceConfig(bad, spec).has_value()) << bad;
  }
}

}  // namespace
}  // namespace headrace::job
