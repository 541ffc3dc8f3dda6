// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "headrace/base/clock.h"

namespace headrace::fetch {

// How many event loops carry large parts: as few as will do, one more whenever a loop of them is
// busy nearly all the time. What large parts cost is copying, which one processor does at several
// GB/s; further loops that are not needed cost wakes, and send answers on in the client's time
// that the server would have sent in its own.
// See docs/decisions/0036.
//
// Pure: time comes with the observations. Threads: its owner's lock.
class LoopPacking {
 public:
  LoopPacking(size_t loop_count, size_t count_start);

  // A large part ended on that loop, whose thread has had a processor for `thread_time` in all.
  void OnPartEnd(size_t loop_index, SteadyTime now, std::chrono::nanoseconds thread_time);
  size_t count() const { return count_; }

 private:
  struct Load {
    std::optional<SteadyTime> begun_at;      // Of the span that is looked at.
    std::chrono::nanoseconds thread_time{};  // At its beginning.
    double share = 1;                        // Of the span before; not known: as if busy.
    uint32_t busy_spans = 0;                 // One after the other, until now.
  };
  double TotalShare() const;

  std::vector<Load> loads_;
  size_t count_;
};

}  // namespace headrace::fetch
