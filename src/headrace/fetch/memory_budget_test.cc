// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/memory_budget.h"

#include <limits>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace headrace::fetch {
namespace {

constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();
constexpr size_t kPage = 4096;

TEST(DefaultMemoryBytes, IsAQuarterOfTheMachineAndAtMostTwoGibibytes) {
  EXPECT_EQ(DefaultMemoryBytes(4ULL << 30U), 1ULL << 30U);
  EXPECT_EQ(DefaultMemoryBytes(256ULL << 30U), 2ULL << 30U);
}

TEST(MayTake, LeavesAnEighthToTheOthers) {
  EXPECT_TRUE(MayTake({.wanted = 10, .held = 60, .held_max = kAll, .taken = 60, .limit = 80}));
  EXPECT_FALSE(MayTake({.wanted = 10, .held = 70, .held_max = kAll, .taken = 70, .limit = 80}));
  EXPECT_TRUE(MayTake({.wanted = 10, .held = 0, .held_max = kAll, .taken = 70, .limit = 80}));
}

// How many consumers in turn take all they may and let go of nothing, until one gets nothing.
size_t StalledAtOnce(uint64_t limit, uint64_t piece) {
  uint64_t taken = 0;
  for (size_t count = 0;; ++count) {
    uint64_t held = 0;
    while (MayTake({.wanted = piece,
                    .held = held,
                    .held_max = kAll,
                    .taken = taken,
                    .limit = limit,
                    .largest = piece})) {
      held += piece;
      taken += piece;
    }
    if (held == 0) return count;
  }
}

TEST(MayTake, LeavesRoomForSeveralThatStallThoughPiecesAreLarge) {
  constexpr uint64_t kMebibyte = 1U << 20U;
  EXPECT_GE(StalledAtOnce(256 * kMebibyte, 8 * kMebibyte), 6U);
  EXPECT_GE(StalledAtOnce(256 * kMebibyte, 16 * kMebibyte), 5U);
  EXPECT_GE(StalledAtOnce(64 * kMebibyte, 8 * kMebibyte), 4U);
  EXPECT_GE(StalledAtOnce(32 * kMebibyte, 8 * kMebibyte), 3U);
}

TEST(MayTake, LetsOneThatIsAloneHaveSeveralLargePieces) {
  EXPECT_TRUE(
      MayTake({.wanted = 8, .held = 32, .held_max = kAll, .taken = 32, .limit = 64, .largest = 8}));
  EXPECT_TRUE(
      MayTake({.wanted = 8, .held = 8, .held_max = kAll, .taken = 8, .limit = 32, .largest = 8}));
}

TEST(MayTake, GivesMoreThanTheLimitToOneThatIsAlone) {
  EXPECT_TRUE(MayTake({.wanted = 100, .held = 0, .held_max = kAll, .taken = 0, .limit = 80}));
  EXPECT_FALSE(MayTake({.wanted = 100, .held = 0, .held_max = kAll, .taken = 1, .limit = 80}));
}

TEST(MayTake, KeepsAConsumerToItsOwnLimit) {
  EXPECT_FALSE(MayTake({.wanted = 10, .held = 15, .held_max = 20, .taken = 15, .limit = 800}));
}

TEST(MemoryBudget, CountsWhatIsHeldAndReturnsToZero) {
  const auto budget = MemoryBudget::Make(16 * kPage);
  const auto account = budget->OpenAccount(kAll);
  {
    auto bytes = budget->TryTake(account, kPage - 100);
    const auto more = budget->TryTake(account, 2 * kPage);
    ASSERT_TRUE(bytes && more);
    EXPECT_EQ(bytes->Find().size(), kPage - 100);
    EXPECT_EQ(bytes->span().size(), kPage - 100);
    EXPECT_EQ(budget->taken_bytes(), 3 * kPage);
    EXPECT_EQ(account->held_bytes(), budget->taken_bytes());
  }
  EXPECT_EQ(budget->taken_bytes(), 0U);
  EXPECT_EQ(budget->taken_bytes_peak(), 3 * kPage);
}

TEST(MemoryBudget, WhatIsGrantedCountsAtOnceAndIsFoundWhenItIsWrittenTo) {
  const auto budget = MemoryBudget::Make(16 * kPage);
  const auto account = budget->OpenAccount(kAll);
  const std::byte* kept = budget->TryTake(account, kPage)->Find().data();
  auto waiting = budget->TryTake(account, kPage);
  auto answered = budget->TryTake(account, kPage);
  EXPECT_EQ(budget->taken_bytes(), 2 * kPage);
  // The one buffer that is kept goes to the first that needs one.
  EXPECT_EQ(answered->Find().data(), kept);
  EXPECT_EQ(answered->Find().data(), kept);
  EXPECT_EQ(budget->buffer_bytes(), kPage);
  EXPECT_NE(waiting->Find().data(), kept);
  EXPECT_EQ(budget->buffer_bytes(), 2 * kPage);
  EXPECT_EQ(budget->taken_bytes(), 2 * kPage);
}

TEST(MemoryBudget, BuffersFoundAndKeptStayBelowTheLimit) {
  const auto budget = MemoryBudget::Make(8 * kPage);
  const auto account = budget->OpenAccount(kAll);
  for (size_t round = 0; round < 20; ++round) {
    for (size_t pages = 1; pages <= 6; ++pages) {
      budget->TryTake(account, pages * kPage)->Find();
      EXPECT_LE(budget->buffer_bytes(), 8 * kPage);
      EXPECT_GE(budget->buffer_bytes(), pages * kPage) << "it is kept";
    }
  }
}

TEST(MemoryBudget, AStalledConsumerDoesNotStarveTheNext) {
  const auto budget = MemoryBudget::Make(64 * kPage);
  const auto stalled = budget->OpenAccount(kAll);
  std::vector<PartBytes> held;
  while (auto bytes = budget->TryTake(stalled, kPage)) held.push_back(std::move(*bytes));
  const auto other = budget->OpenAccount(kAll);
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(budget->TryTake(other, kPage).has_value());
}

TEST(MemoryBudget, TellsThoseItRefusedWhenMemoryComesBack) {
  class Listener final : public MemoryListener {
   public:
    void OnMemoryReturned() override { ++count; }
    int count = 0;
  };
  const auto listener = std::make_shared<Listener>();
  const auto budget = MemoryBudget::Make(kPage);
  budget->AddListener(listener);
  const auto account = budget->OpenAccount(kAll);
  {
    const auto bytes = budget->TryTake(account, kPage);
    EXPECT_FALSE(budget->TryTake(account, kPage).has_value());
    EXPECT_EQ(listener->count, 0);
  }
  EXPECT_EQ(listener->count, 1);
  {
    const auto unasked = budget->TryTake(account, kPage);
  }
  EXPECT_EQ(listener->count, 1);
}

TEST(MemoryBudget, AsksKeepersToLetGo) {
  class Keeper final : public MemoryKeeper {
   public:
    void LetGo() override { kept.clear(); }
    std::vector<PartBytes> kept;
  };
  const auto budget = MemoryBudget::Make(4 * kPage);
  const auto account = budget->OpenAccount(kAll);
  const auto keeper = std::make_shared<Keeper>();
  budget->AddKeeper(keeper);
  keeper->kept.push_back(std::move(*budget->TryTake(account, 3 * kPage)));
  budget->Reclaim();
  EXPECT_EQ(budget->taken_bytes(), 0U);
}

}  // namespace
}  // namespace headrace::fetch
