// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/window.h"

#include <algorithm>
#include <chrono>
#include <queue>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::fetch {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;

nanoseconds Seconds(double seconds) { return nanoseconds(static_cast<int64_t>(seconds * 1e9)); }

// A store far away behind a pipe: an answer begins after a latency and then takes its turn in a
// path that carries so many bytes a second, over a connection that carries so many.
struct SimulatedStore {
  double latency_s = 0.03;
  double jitter = 0;  // Up to so many latencies more.
  double path_bytes_per_s = 1e9;
  double connection_bytes_per_s = 90e6;
  uint64_t object_bytes = 100 * 1024;

  // Keeps `window.requests()` in flight for `seconds`; returns the goodput of the last half.
  double Run(WindowController& window, double seconds) {
    const double until = now_s + seconds;
    const double half = now_s + seconds / 2;
    double bytes = 0;
    while (now_s < until) {
      while (in_flight.size() < window.requests()) Begin();
      const Request done = in_flight.top();
      in_flight.pop();
      now_s = std::max(now_s, done.ends_s);
      if (now_s > half) bytes += static_cast<double>(object_bytes);
      window.OnPartEnd({.ended_at = SteadyTime(Seconds(now_s)),
                        .first_byte = Seconds(done.first_byte_s),
                        .total = Seconds(done.ends_s - done.begun_s),
                        .size_bytes = object_bytes},
                       true);
    }
    return bytes / (seconds / 2);
  }

  struct Request {
    double begun_s = 0;
    double first_byte_s = 0;  // From its begin.
    double ends_s = 0;
    bool operator<(const Request& other) const { return ends_s > other.ends_s; }
  };
  void Begin() {
    const double ready_s = now_s + latency_s * (1 + jitter * random.Unit());
    const double size = static_cast<double>(object_bytes);
    const double turn_s = std::max(ready_s, path_free_s);
    path_free_s = turn_s + size / path_bytes_per_s;
    in_flight.push({.begun_s = now_s,
                    .first_byte_s = turn_s - now_s,
                    .ends_s = std::max(path_free_s, turn_s + size / connection_bytes_per_s)});
  }

  std::priority_queue<Request> in_flight;
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
  WindowController of_large({});
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
