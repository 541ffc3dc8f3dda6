// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/permutation.h"

#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::plan {
namespace {

struct Vector {
  uint64_t seed;
  uint64_t epoch;
  uint64_t size;
  std::vector<uint64_t> start;  // What stands at positions 0, 1, …
};

// The table of docs/formats/shuffle.md; computed by another program from the text there.
const std::vector<Vector>& Golden() {
  static const std::vector<Vector> kVectors = {
      {0, 0, 10, {2, 7, 0, 9, 1, 6, 8, 4, 3, 5}},
      {0, 1, 10, {3, 1, 8, 6, 4, 7, 5, 9, 0, 2}},
      {1, 0, 10, {9, 5, 8, 0, 2, 3, 7, 6, 1, 4}},
      {42, 7, 1000, {203, 915, 430, 172, 647, 661, 585, 312}},
      {42, 7, 1'000'003, {983581, 623867, 267422, 622272, 162349, 163351}},
      {~0ULL, 1ULL << 32U, 1'000'000'000, {242778697, 263103850, 367048382, 845188585}},
      {5, 3, 1, {0}},
      {5, 3, 2, {1, 0}},
      {5, 3, 3, {1, 2, 0}},
      {1ULL << 63U, 0, 1ULL << 62U, {965790682559646898, 1449291596752223684}},
  };
  return kVectors;
}

TEST(Permutation, KeepsThePromisedOrder) {
  for (const Vector& vector : Golden()) {
    SCOPED_TRACE(fmt::format("{} {} {}", vector.seed, vector.epoch, vector.size));
    const Permutation order(vector.seed, vector.epoch, vector.size);
    for (size_t i = 0; i < vector.start.size(); ++i) {
      EXPECT_EQ(order.At(i), vector.start[i]);
      EXPECT_EQ(order.PositionOf(vector.start[i]), i);
    }
  }
}

TEST(Permutation, HoldsEveryNumberOnceForEverySize) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  for (uint64_t size = 0; size < 300; ++size) {
    const Permutation order(seed, size, size);
    std::vector<bool> seen(size);
    for (uint64_t position = 0; position < size; ++position) {
      const uint64_t value = order.At(position);
      ASSERT_LT(value, size);
      ASSERT_FALSE(seen[value]) << "size " << size;
      seen[value] = true;
      ASSERT_EQ(order.PositionOf(value), position);
    }
  }
}

// Chi-squared over where each of 16 numbers stands in 4,096 orders: 225 degrees of freedom, mean
// 225, standard deviation 21. Fixed seeds: the value never changes.
TEST(Permutation, PutsEveryNumberEverywhereEquallyOften) {
  constexpr uint64_t kSize = 16;
  constexpr uint64_t kOrders = 4096;
  std::vector<uint64_t> counts(kSize * kSize);
  for (uint64_t epoch = 0; epoch < kOrders; ++epoch) {
    const Permutation order(11, epoch, kSize);
    for (uint64_t position = 0; position < kSize; ++position) {
      ++counts[position * kSize + order.At(position)];
    }
  }
  constexpr double kExpected = static_cast<double>(kOrders) / kSize;
  double chi_squared = 0;
  for (const uint64_t count : counts) {
    const double off = static_cast<double>(count) - kExpected;
    chi_squared += off * off / kExpected;
  }
  EXPECT_LT(chi_squared, 225 + 5 * 21);
}

TEST(Permutation, NeighboursDoNotStayNeighbours) {
  constexpr uint64_t kSize = 100'000;
  const Permutation order(1, 0, kSize);
  uint64_t still_neighbours = 0;
  for (uint64_t position = 1; position < kSize; ++position) {
    const uint64_t a = order.At(position - 1);
    const uint64_t b = order.At(position);
    if (a + 1 == b || b + 1 == a) ++still_neighbours;
  }
  EXPECT_LT(still_neighbours, 15U) << "two are expected of a random order";
}

TEST(Permutation, SeedsAndEpochsGiveOtherOrders) {
  const Permutation order(1, 0, 1000);
  const Permutation next_epoch(1, 1, 1000);
  const Permutation other_seed(2, 0, 1000);
  uint64_t same = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    if (order.At(i) == next_epoch.At(i)) ++same;
    if (order.At(i) == other_seed.At(i)) ++same;
  }
  EXPECT_LT(same, 20U) << "two are expected of random orders";
}

}  // namespace
}  // namespace headrace::plan
