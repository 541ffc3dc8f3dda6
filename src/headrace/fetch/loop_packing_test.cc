// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/loop_packing.h"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace headrace::fetch {
namespace {

using std::chrono::milliseconds;

// Loops whose threads are busy for a share of their time while parts end on them.
class LoadedLoops {
 public:
  LoadedLoops(size_t loop_count, size_t count_start)
      : packing_(loop_count, count_start), thread_times_(loop_count) {}

  // Parts end every 5 ms on each of the loops that carry such; together they need `total_share` of
  // a processor, and no loop has more than one. How many loops that takes.
  size_t Run(double total_share, milliseconds span, uint32_t requests_a_loop = 2) {
    for (const SteadyTime end = now_ + span; now_ < end;) {
      now_ += kStep;
      const size_t count = packing_.count();
      const double share = std::min(1.0, total_share / static_cast<double>(count));
      for (size_t index = 0; index < count; ++index) {
        thread_times_[index] += std::chrono::duration_cast<std::chrono::nanoseconds>(kStep * share);
        packing_.OnPartEnd(index, requests_a_loop, now_, thread_times_[index]);
      }
    }
    return packing_.count();
  }
  void Pause(milliseconds span) { now_ += span; }

 private:
  static constexpr milliseconds kStep{5};
  LoopPacking packing_;
  SteadyTime now_{std::chrono::hours(1)};
  std::vector<std::chrono::nanoseconds> thread_times_;
};

TEST(LoopPacking, OneLoopCarriesWhatItCan) {
  LoadedLoops loops(4, 1);
  EXPECT_EQ(loops.Run(0.6, milliseconds(10'000)), 1U);
}

TEST(LoopPacking, ABusyLoopGetsAnotherBesideIt) {
  LoadedLoops loops(4, 1);
  EXPECT_EQ(loops.Run(1.2, milliseconds(1'000)), 2U);
  EXPECT_EQ(loops.Run(1.2, milliseconds(10'000)), 2U);
}

TEST(LoopPacking, ThereAreNoMoreThanAllLoops) {
  LoadedLoops loops(4, 1);
  EXPECT_EQ(loops.Run(9, milliseconds(2'000)), 4U);
}

TEST(LoopPacking, ABeginningThatIsBusySaysNothing) {
  LoadedLoops loops(2, 1);
  loops.Run(1, milliseconds(310));
  EXPECT_EQ(loops.Run(0.5, milliseconds(10'000)), 1U);
}

TEST(LoopPacking, ALoopOfOneRequestHasNothingToGive) {
  LoadedLoops loops(2, 1);
  EXPECT_EQ(loops.Run(1, milliseconds(1'000), 1), 1U);
}

TEST(LoopPacking, APauseStartsItOver) {
  LoadedLoops loops(4, 2);
  ASSERT_EQ(loops.Run(9, milliseconds(2'000)), 4U);
  loops.Pause(milliseconds(2'000));
  EXPECT_EQ(loops.Run(1, milliseconds(50)), 2U);
}

TEST(LoopPacking, AShortStallIsNeitherBusyNorAPause) {
  LoadedLoops loops(4, 1);
  ASSERT_EQ(loops.Run(1.2, milliseconds(1'000)), 2U);
  loops.Pause(milliseconds(900));
  EXPECT_EQ(loops.Run(1.2, milliseconds(1'000)), 2U);
}

}  // namespace
}  // namespace headrace::fetch
