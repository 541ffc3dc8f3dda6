// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "headrace/base/clock.h"

namespace headrace::fetch {

// On how many event loops large parts may run: few at first, one more whenever a loop of several
// was busy for 400 ms. What large parts cost is copying, which one processor does at several GB/s;
// further loops cost wakes, and on one machine with the server they send in the client's time what
// the server would have sent in its own. A pause of a second starts it over.
// See docs/decisions/0036.
//
// Pure: time comes with the observations. Threads: its owner's lock.
class LoopPacking {
 public:
  LoopPacking(size_t loop_count, size_t count_start);

  // A large part ended on that loop, which runs so many requests and whose thread has had a
  // processor for `thread_time` in all.
  void OnPartEnd(size_t loop_index, uint32_t requests, SteadyTime now,
                 std::chrono::nanoseconds thread_time);
  size_t count() const { return count_; }

 private:
  struct Load {
    std::optional<SteadyTime> begun_at;      // Of the span that is looked at.
    std::chrono::nanoseconds thread_time{};  // At its beginning.
    uint32_t busy_spans = 0;                 // One after the other, until now.
  };
  void LookAnew();

  const size_t count_start_;
  size_t count_;
  std::vector<Load> loads_;
  SteadyTime ended_at_{};  // The last part, on any loop.
};

}  // namespace headrace::fetch
