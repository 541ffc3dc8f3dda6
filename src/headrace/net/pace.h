// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "headrace/base/clock.h"

namespace headrace::net {

// Holds a stream of bytes to a rate: a token bucket of 20 ms. Pure, time comes in.
class Pace {
 public:
  // 0: no limit.
  explicit Pace(uint64_t bytes_per_second);

  bool is_limited() const { return bytes_per_second_ > 0; }
  // How many of `wanted` bytes (at least one) may move now; 0: none before Delay() has passed.
  size_t Allow(size_t wanted, SteadyTime now);
  // That many have moved; at most what was allowed.
  void Spend(size_t count) { tokens_ -= static_cast<double>(count); }
  std::chrono::nanoseconds Delay() const;

 private:
  uint64_t bytes_per_second_;
  // What one move waits for: 10 ms of the rate, so that timers cost little. The bucket holds two,
  // so that a timer that comes late loses nothing.
  double piece_bytes_;
  double tokens_;
  SteadyTime filled_at_{};
};

}  // namespace headrace::net
