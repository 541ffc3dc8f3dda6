// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/window.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <queue>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::fetch {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Without the limit on large parts from nearby, which would hide what the rest does.
constexpr uint64_t kNoLimit = 1ULL << 40U;

nanoseconds Seconds(double seconds) { return nanoseconds(static_cast<int64_t>(seconds * 1e9)); }

// A store far away behind a pipe: an answer begins after a latency and then takes its turn in a
// path that carries so many bytes a second, over a connection that carries so many.
struct SimulatedStore {
  double latency_s = 0.03;
  double jitter = 0;  // Up to so many latencies more.
  double path_bytes_per_s = 1e9;
  double connection_bytes_per_s = 90e6;
  uint64_t object_bytes = 100 * 1024;
  // An answer's turn in the path is longer or shorter by about so much, and now and then the path
  // stands still: a machine that does other things beside.
  double noise = 0;
  double stall_share = 0;
  double stall_max_s = 0;
  // The first answers find memory that is new, and the path stands still for so long at each.
  uint32_t cold_count = 0;
  double cold_s = 0;
  // Each request in flight makes those that begin then wait so much longer.
  double latency_of_each_s = 0;

  // Keeps `window.requests()` in flight for `seconds`; returns the goodput of the last half.
  double Run(WindowController& window, double seconds) {
    const double until = now_s + seconds;
    const double half = now_s + seconds / 2;
    double bytes = 0;
    while (now_s < until) {
      while (in_flight.size() < window.requests()) {
        window.OnPartBegin(object_bytes);
        Begin();
        if (window.wants_first_answer()) window.OnFirstAnswer(Seconds(latency_s));
      }
      window_max = std::max(window_max, window.requests());
      const Request done = in_flight.top();
      in_flight.pop();
      now_s = std::max(now_s, done.ends_s);
      if (now_s > half) bytes += static_cast<double>(done.size_bytes);
      window.OnPartEnd({.ended_at = SteadyTime(Seconds(now_s)),
                        .first_byte = Seconds(done.first_byte_s),
                        .total = Seconds(done.ends_s - done.begun_s),
                        .size_bytes = done.size_bytes},
                       true);
    }
    return bytes / (seconds / 2);
  }

  struct Request {
    double begun_s = 0;
    double first_byte_s = 0;  // From its begin.
    double ends_s = 0;
    uint64_t size_bytes = 0;
    bool operator<(const Request& other) const { return ends_s > other.ends_s; }
  };
  void Begin() {
    const double ready_s = now_s + latency_s * (1 + jitter * random.Unit()) +
                           latency_of_each_s * static_cast<double>(in_flight.size());
    const double size = static_cast<double>(object_bytes);
    const double turn_s = std::max(ready_s, path_free_s);
    path_free_s = turn_s + size / path_bytes_per_s * std::exp(noise * Bell());
    if (random.Unit() < stall_share) path_free_s += stall_max_s * random.Unit();
    if (begun_count++ < cold_count) path_free_s += cold_s;
    in_flight.push({.begun_s = now_s,
                    .first_byte_s = turn_s - now_s,
                    .ends_s = std::max(path_free_s, turn_s + size / connection_bytes_per_s),
                    .size_bytes = object_bytes});
  }

  // About normally distributed, with a deviation of 1.
  double Bell() {
    double sum = -6;
    for (int i = 0; i < 12; ++i) sum += random.Unit();
    return sum;
  }

  std::priority_queue<Request> in_flight;
  uint32_t window_max = 0;
  uint32_t begun_count = 0;
  double now_s = 1;
  double path_free_s = 0;
  Random random{42};
};

TEST(WindowController, GrowsUntilAFarStoreIsBusy) {
  SimulatedStore store{.latency_s = 0.03, .path_bytes_per_s = 1e9};
  WindowController window({});
  store.Run(window, 2);
  EXPECT_GE(store.Run(window, 2), 0.95 * 1e9);
  // 1 GB/s of 100 KiB for 31 ms are 303 in flight.
  EXPECT_GE(window.requests(), 300U);
  EXPECT_LE(window.requests(), 1000U);
}

TEST(WindowController, ReachesItsLimitInAFewRoundTrips) {
  SimulatedStore store{.latency_s = 0.03, .path_bytes_per_s = 100e9};
  WindowController window({.requests_max = 512});
  store.Run(window, 0.3);
  EXPECT_EQ(window.requests(), 512U);
}

TEST(WindowController, DoublesWithEveryRoundTripInTheBeginningAlsoWhereAnswersJitter) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    // An answer waits for those before it: nearly all take as long as the slowest, 48 ms.
    SimulatedStore store{
        .latency_s = 0.02, .jitter = 1.4, .path_bytes_per_s = 100e9, .random = Random(seed)};
    WindowController window({.requests_start = 16, .requests_max = 1024});
    store.Run(window, 7 * 0.048);
    EXPECT_EQ(window.requests(), 1024U);
  }
}

TEST(WindowController, FirstAnswersThatWereFastByChanceDoNotHoldItDown) {
  SimulatedStore store{.latency_s = 0.015, .path_bytes_per_s = 100e9};
  WindowController window({.requests_start = 16, .requests_max = 1024});
  store.Run(window, 0.016);
  store.latency_s = 0.034;
  store.Run(window, 0.5);
  EXPECT_EQ(window.requests(), 1024U);
}

TEST(WindowController, StopsDoublingWhereThePathIsFull) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedStore store{.latency_s = 0.02,
                         .jitter = 1.4,
                         .path_bytes_per_s = 0.5e9,
                         .noise = 0.3,
                         .random = Random(seed)};
    WindowController window({.requests_max = 1U << 20U});
    store.Run(window, 2);
    // 0.5 GB/s of 100 KiB for 48 ms are 234 in flight. The first answers that waited come when
    // twice as many have been doubled again.
    EXPECT_LE(store.window_max, 5 * 234U);
    EXPECT_GE(store.Run(window, 2), 0.9 * 0.5e9);
    EXPECT_LE(window.requests(), 3 * 234U);
  }
}

TEST(WindowController, LatencyThatGrowsWithTheLoadIsNotTakenForDistance) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedStore store{.latency_s = 0.02,
                         .path_bytes_per_s = 1e9,
                         .latency_of_each_s = 0.0002,
                         .random = Random(seed)};
    WindowController window({.requests_max = 1U << 20U});
    store.Run(window, 10);
    // 1 GB/s of 100 KiB need 200 in flight for 20 ms, and more for what those add.
    EXPECT_LE(window.requests(), 1000U);
  }
}

TEST(WindowController, TheTargetThroughputEndsTheBeginning) {
  SimulatedStore store{.latency_s = 0.03, .path_bytes_per_s = 10e9};
  WindowController window({.target_bytes_per_second = 100'000'000});
  store.Run(window, 3);
  // 31 in flight bring it.
  EXPECT_LE(store.window_max, 5 * 31U);
}

TEST(WindowController, StaysSmallWhereTheStoreIsNear) {
  SimulatedStore store{
      .latency_s = 0.0001, .path_bytes_per_s = 2.5e9, .connection_bytes_per_s = 2.5e9};
  WindowController window({});
  EXPECT_GE(store.Run(window, 2), 0.95 * 2.5e9);
  EXPECT_LE(window.requests(), 64U);
}

TEST(WindowController, KeepsMoreSmallRequestsThanLargeOnesInFlightAtLeast) {
  SimulatedStore store{
      .latency_s = 0.00001, .path_bytes_per_s = 2.5e9, .connection_bytes_per_s = 2.5e9};
  WindowController of_small({});
  store.Run(of_small, 1);
  EXPECT_GE(of_small.requests(), 32U);
  SimulatedStore large_store{.latency_s = 0.00001,
                             .path_bytes_per_s = 2.5e9,
                             .connection_bytes_per_s = 2.5e9,
                             .object_bytes = 8U << 20U};
  WindowController of_large({.near_large_bytes_max = kNoLimit});
  large_store.Run(of_large, 1);
  EXPECT_LE(of_large.requests(), 20U);
}

TEST(WindowController, FindsTheConnectionsThatLargePartsNeed) {
  SimulatedStore store{.latency_s = 0.03,
                       .path_bytes_per_s = 2.5e9,
                       .connection_bytes_per_s = 90e6,
                       .object_bytes = 8U << 20U};
  WindowController window({});
  store.Run(window, 4);
  EXPECT_GE(store.Run(window, 4), 0.9 * 2.5e9);
  EXPECT_LE(window.requests(), 128U);
}

// Beside the store.
SimulatedStore NearStoreOfLargeParts() {
  return {.latency_s = 0.0003,
          .path_bytes_per_s = 2.5e9,
          .connection_bytes_per_s = 2.5e9,
          .object_bytes = 8U << 20U};
}

// The same on a machine that is not quiet.
SimulatedStore NoisyNearStoreOfLargeParts(uint64_t seed) {
  SimulatedStore store = NearStoreOfLargeParts();
  store.noise = 0.5;
  store.stall_share = 0.02;
  store.stall_max_s = 0.05;
  store.random = Random(seed);
  return store;
}

TEST(WindowController, NoiseBesideTheStoreDoesNotAddUpToManyLargeParts) {
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedStore store = NoisyNearStoreOfLargeParts(seed);
    WindowController window({.near_large_bytes_max = kNoLimit});
    const double goodput = store.Run(window, 20);
    EXPECT_LE(store.window_max, 24U);
    // What the path carries with its noise, which one request in flight is enough for.
    SimulatedStore same = NoisyNearStoreOfLargeParts(seed);
    WindowController many({.requests_min = 64,
                           .requests_start = 64,
                           .large_requests_start = 64,
                           .near_large_bytes_max = kNoLimit});
    EXPECT_GE(goodput, 0.95 * same.Run(many, 20));
  }
}

TEST(WindowController, LargePartsOfANearStoreTakeNoMoreThanTheirShareOfMemory) {
  SimulatedStore store = NearStoreOfLargeParts();
  store.path_bytes_per_s = 20e9;
  WindowController window({.requests_min = 1});
  store.Run(window, 5);
  EXPECT_EQ(store.window_max, 4U);
  // The share is one of bytes: smaller parts may be more.
  SimulatedStore of_smaller = store;
  of_smaller.latency_s = 0.012;
  of_smaller.object_bytes = 2U << 20U;
  WindowController more({});
  of_smaller.Run(more, 5);
  EXPECT_EQ(more.requests(), 21U);
  // And as many more as they take longer, until the store is not near any more.
  SimulatedStore slower = of_smaller;
  slower.latency_s = 0.019;
  WindowController most({});
  slower.Run(most, 5);
  EXPECT_EQ(most.requests(), 32U);
}

TEST(WindowController, WhatTheFirstLargePartsTakeInNewMemoryIsNoMeasure) {
  SimulatedStore store = NearStoreOfLargeParts();
  store.cold_count = 2;
  store.cold_s = 0.03;
  WindowController window({.near_large_bytes_max = kNoLimit});
  store.Run(window, 0.2);
  EXPECT_LE(store.window_max, 6U);
}

TEST(WindowController, ComesBackWhenMoreLargePartsBroughtNoMore) {
  SimulatedStore store = NoisyNearStoreOfLargeParts(7);
  WindowController window({.requests_start = 256, .near_large_bytes_max = kNoLimit});
  window.OnPartBegin(store.object_bytes);
  window.OnFirstAnswer(milliseconds(30));
  ASSERT_EQ(window.requests(), 256U);
  store.Run(window, 30);
  EXPECT_LE(window.requests(), 20U);
}

TEST(WindowController, FindsTheConnectionsThatLargePartsNeedInNoiseToo) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    SimulatedStore store{.latency_s = 0.03,
                         .jitter = 1,
                         .path_bytes_per_s = 6e9,
                         .connection_bytes_per_s = 90e6,
                         .object_bytes = 8U << 20U,
                         .noise = 0.3,
                         .random = Random(seed)};
    WindowController window({});
    store.Run(window, 2);
    // 6 GB/s are 67 connections of 90 MB/s.
    EXPECT_GE(window.requests(), 67U);
    EXPECT_GE(store.Run(window, 20), 0.85 * 6e9);
    EXPECT_LE(store.window_max, 300U);
  }
}

TEST(WindowController, LargePartsStartFewUntilTheStoreTurnsOutToBeFar) {
  WindowController window({.requests_start = 16, .large_requests_start = 2});
  EXPECT_EQ(window.requests(), 16U);
  window.OnPartBegin(8U << 20U);
  EXPECT_EQ(window.requests(), 2U);
  ASSERT_TRUE(window.wants_first_answer());
  window.OnFirstAnswer(milliseconds(30));
  EXPECT_EQ(window.requests(), 16U);
  EXPECT_FALSE(window.wants_first_answer());
}

TEST(WindowController, AFirstAnswerFromNearByChangesNothing) {
  WindowController window({.requests_start = 16, .large_requests_start = 4});
  window.OnPartBegin(8U << 20U);
  window.OnFirstAnswer(milliseconds(1));
  window.OnFirstAnswer(milliseconds(30));
  EXPECT_EQ(window.requests(), 4U);
}

TEST(WindowController, LooksAnewWhenLargePartsFollowSmallOnes) {
  SimulatedStore store{
      .latency_s = 0.0003, .path_bytes_per_s = 2.5e9, .connection_bytes_per_s = 2.5e9};
  WindowController window({.small_requests_min = 64, .near_large_bytes_max = kNoLimit});
  store.Run(window, 1);
  ASSERT_GE(window.requests(), 64U);
  store.object_bytes = 8U << 20U;
  store.Run(window, 1.5);
  EXPECT_LE(window.requests(), 16U);
}

TEST(WindowController, JitterDoesNotShrinkIt) {
  SimulatedStore store{.latency_s = 0.02, .jitter = 3, .path_bytes_per_s = 1e9};
  WindowController window({});
  store.Run(window, 2);
  EXPECT_GE(store.Run(window, 2), 0.9 * 1e9);
}

TEST(WindowController, FollowsAPathThatBecomesSlower) {
  SimulatedStore store{.latency_s = 0.03, .path_bytes_per_s = 2e9};
  WindowController window({});
  store.Run(window, 5);
  const uint32_t before = window.requests();
  store.path_bytes_per_s = 0.2e9;
  store.Run(window, 60);
  EXPECT_LT(window.requests(), before / 3);
  EXPECT_GE(store.Run(window, 5), 0.9 * 0.2e9);
}

TEST(WindowController, StopsAtTheTargetThroughput) {
  SimulatedStore store{.latency_s = 0.03, .path_bytes_per_s = 10e9};
  WindowController window({.target_bytes_per_second = 100'000'000});
  store.Run(window, 3);
  // 100 MB/s of 100 KiB for 31 ms are 31 in flight, twice that is asked for.
  EXPECT_LE(window.requests(), 80U);
  EXPECT_GE(store.Run(window, 3), 100e6);
}

TEST(WindowController, StaysWhereItIsWhileNothingWaitsForIt) {
  WindowController window({});
  const uint32_t before = window.requests();
  SteadyTime now{};
  for (int i = 0; i < 1000; ++i) {
    now += milliseconds(5);
    window.OnPartEnd({.ended_at = now,
                      .first_byte = milliseconds(30),
                      .total = milliseconds(31),
                      .size_bytes = 100'000},
                     false);
  }
  EXPECT_EQ(window.requests(), before);
}

TEST(WindowController, KeepsToItsLimits) {
  SimulatedStore store{.latency_s = 1, .path_bytes_per_s = 1e12};
  WindowController window({.requests_min = 8, .requests_start = 16, .requests_max = 4});
  EXPECT_EQ(window.requests(), 4U);
  store.Run(window, 10);
  EXPECT_EQ(window.requests(), 4U);
}

}  // namespace
}  // namespace headrace::fetch
