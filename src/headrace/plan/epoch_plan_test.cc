// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/epoch_plan.h"

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::plan {
namespace {

std::vector<uint64_t> Objects(const EpochPlan& plan, uint64_t begin = 0) {
  std::vector<uint64_t> objects;
  for (uint64_t i = begin; i < plan.size(); ++i) objects.push_back(plan.ObjectAt(i));
  return objects;
}

std::vector<uint64_t> FirstNumbers(uint64_t count) {
  std::vector<uint64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), uint64_t{0});
  return numbers;
}

constexpr PlanOptions kSharded{.distribution = Distribution::kShardedByS3Key, .shuffle_seed = {}};

TEST(EpochPlan, WithoutShuffleIsTheListingsOrderRoundRobinOverRanks) {
  EXPECT_EQ(Objects(EpochPlan(4, {}, {.index = 1, .count = 3}, {})),
            (std::vector<uint64_t>{0, 1, 2, 3}));
  EXPECT_EQ(Objects(EpochPlan(7, kSharded, {.index = 0, .count = 3}, {})),
            (std::vector<uint64_t>{0, 3, 6}));
  EXPECT_EQ(Objects(EpochPlan(7, kSharded, {.index = 2, .count = 3}, {})),
            (std::vector<uint64_t>{2, 5}));
}

TEST(EpochPlan, RanksBeyondTheObjectsReadNothing) {
  EXPECT_EQ(EpochPlan(2, kSharded, {.index = 2, .count = 3}, {}).size(), 0U);
  EXPECT_EQ(EpochPlan(0, kSharded, {.index = 0, .count = 3}, {}).size(), 0U);
}

TEST(EpochPlan, ReplicatedRanksAgreeOnTheShuffledOrder) {
  const PlanOptions options{.shuffle_seed = 9};
  const auto first = Objects(EpochPlan(1000, options, {.index = 0, .count = 4}, {.epoch = 3}));
  EXPECT_EQ(first, Objects(EpochPlan(1000, options, {.index = 3, .count = 4}, {.epoch = 3})));
  EXPECT_NE(first, FirstNumbers(1000));
  EXPECT_NE(first, Objects(EpochPlan(1000, options, {}, {.epoch = 4})));
}

TEST(EpochPlan, RanksTogetherReadEachObjectOnceForAnyWorldSize) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    const uint64_t object_count = random.Below(400);
    const uint64_t world_size = 1 + random.Below(40);
    PlanOptions options = kSharded;
    if (random.Below(4) > 0) options.shuffle_seed = random.Next();
    SCOPED_TRACE(fmt::format("{} objects, {} ranks", object_count, world_size));
    std::vector<uint64_t> all;
    for (uint64_t rank = 0; rank < world_size; ++rank) {
      const EpochPlan plan(object_count, options, {.index = rank, .count = world_size},
                           {.epoch = 5});
      EXPECT_LE(plan.size(), (object_count + world_size - 1) / world_size);
      EXPECT_GE(plan.size(), object_count / world_size);
      const auto objects = Objects(plan);
      all.insert(all.end(), objects.begin(), objects.end());
    }
    std::ranges::sort(all);
    ASSERT_EQ(all, FirstNumbers(object_count));
  }
}

// Ranks of one world read k objects each, then another world goes on: each object once over both.
TEST(EpochPlan, ResumesWithAnotherWorldSizeWithoutLossOrRepetition) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    const uint64_t object_count = 1 + random.Below(400);
    const uint64_t world_before = 1 + random.Below(12);
    const uint64_t world_after = 1 + random.Below(12);
    const PlanOptions options{.distribution = Distribution::kShardedByS3Key,
                              .shuffle_seed = random.Next()};
    const uint64_t read_each = random.Below(object_count / world_before + 1);
    std::vector<uint64_t> all;
    for (uint64_t rank = 0; rank < world_before; ++rank) {
      const EpochPlan plan(object_count, options, {.index = rank, .count = world_before},
                           {.epoch = 2});
      for (uint64_t i = 0; i < read_each; ++i) all.push_back(plan.ObjectAt(i));
    }
    const ResumePoint resume{.epoch = 2, .position = read_each * world_before};
    for (uint64_t rank = 0; rank < world_after; ++rank) {
      const EpochPlan plan(object_count, options, {.index = rank, .count = world_after}, resume);
      const auto objects = Objects(plan);
      all.insert(all.end(), objects.begin(), objects.end());
    }
    std::ranges::sort(all);
    ASSERT_EQ(all, FirstNumbers(object_count));
  }
}

TEST(EpochPlan, ResumesExactlyWhereARankStopped) {
  const PlanOptions options{.distribution = Distribution::kShardedByS3Key, .shuffle_seed = 1};
  const Rank rank{.index = 2, .count = 5};
  const EpochPlan whole(103, options, rank, {.epoch = 8});
  for (uint64_t read = 0; read < whole.size(); ++read) {
    const EpochPlan rest(103, options, rank, whole.ResumeAt(read));
    EXPECT_EQ(Objects(rest), Objects(whole, read));
  }
}

TEST(EpochPlan, RanksThatHaveReadAsMuchNameTheSamePoint) {
  const PlanOptions options{.distribution = Distribution::kShardedByS3Key, .shuffle_seed = 1};
  for (const uint64_t start : {0, 7}) {
    for (uint64_t rank = 0; rank < 5; ++rank) {
      const EpochPlan plan(103, options, {.index = rank, .count = 5},
                           {.epoch = 8, .position = start});
      for (const uint64_t read : {0, 1, 18}) {
        EXPECT_EQ(plan.ResumeAt(read), (ResumePoint{.epoch = 8, .position = start + 5 * read}));
      }
    }
  }
}

TEST(EpochPlan, ResumesWithTheNextEpochAfterAWholeOne) {
  const PlanOptions options{.distribution = Distribution::kShardedByS3Key, .shuffle_seed = 1};
  for (uint64_t rank = 0; rank < 5; ++rank) {
    const EpochPlan whole(103, options, {.index = rank, .count = 5}, {.epoch = 8});
    EXPECT_EQ(whole.ResumeAt(whole.size()), (ResumePoint{.epoch = 9, .position = 0}));
  }
}

TEST(ParseResumePoint, TakesTwoNumbersAndNothingElse) {
  EXPECT_EQ(ParseResumePoint("3:4500000000").value(),
            (ResumePoint{.epoch = 3, .position = 4'500'000'000}));
  for (const char* const bad : {"", "3", "3:", ":4", "3:4:5", "-1:4", "a:b", "3: 4"}) {
    EXPECT_FALSE(ParseResumePoint(bad).has_value()) << bad;
  }
}

TEST(EpochPlan, HoldsExactlyTheObjectsItReads) {
  for (const Distribution distribution :
       {Distribution::kFullyReplicated, Distribution::kShardedByS3Key}) {
    for (const std::optional<uint64_t> seed : {std::optional<uint64_t>(), std::optional(7UL)}) {
      for (uint64_t rank = 0; rank < 3; ++rank) {
        const EpochPlan plan(50, {.distribution = distribution, .shuffle_seed = seed},
                             {.index = rank, .count = 3}, {.epoch = 2, .position = 5});
        std::set<uint64_t> read;
        for (uint64_t i = 0; i < plan.size(); ++i) read.insert(plan.ObjectAt(i));
        for (uint64_t object = 0; object < 50; ++object) {
          EXPECT_EQ(plan.Holds(object), read.contains(object)) << rank << " " << object;
        }
      }
    }
  }
}

}  // namespace
}  // namespace headrace::plan
