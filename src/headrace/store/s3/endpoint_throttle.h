// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

#include "headrace/base/clock.h"
#include "headrace/base/mutex.h"

namespace headrace::s3 {

struct ThrottleOptions {
  // "Slow down" answers beyond this share of all mean the endpoint as a whole; fewer are one
  // server's or one key's, and their own retry delays are enough.
  double slow_down_share_max = 0.05;
  // So many of them at least, so that the first ones of a quiet client say nothing yet.
  uint32_t slow_down_count_min = 8;
  // Answers are counted over at most so long.
  std::chrono::milliseconds window{1'000};
  // A cut leaves this share of the rate that was answered well.
  double cut_to = 0.7;
  // The rate doubles in this time without a further cut.
  std::chrono::milliseconds doubling_time{2'000};
  // Requests a second that are always let through.
  double rate_min = 10;
};

// How many requests a rate lets through by `since` its begin, when it is `rate` a second at first
// and doubles in every `doubling_time`.
double SlotsBy(std::chrono::nanoseconds since, double rate, std::chrono::nanoseconds doubling_time);
// The same the other way round: when so many have been let through.
std::chrono::nanoseconds SlotAt(double slots, double rate, std::chrono::nanoseconds doubling_time);

// What a request that is about to be sent is told.
struct ThrottleTurn {
  std::chrono::nanoseconds wait{};
  // False: nothing is promised for after the wait; ask again then.
  bool is_granted = true;
};

// Backs off from an endpoint as a whole: when it tells too many requests to slow down, all requests
// are spaced to a rate below what it answered, and the rate then grows until it limits nothing,
// three doublings after the last cut. Delays and never refuses.
//
// Threads: all methods may be called at once from any thread; Take does not lock while nothing is
// limited, OnAnswer but once a window.
class EndpointThrottle {
 public:
  explicit EndpointThrottle(const ThrottleOptions& options) : options_(options) {}

  // How long a request that is about to be sent must wait; takes its place in the row. A wait ends
  // when the limit does, however long the row is.
  ThrottleTurn Take(SteadyTime now) HR_EXCLUDES(mutex_);
  void OnAnswer(SteadyTime now) HR_EXCLUDES(mutex_);
  void OnSlowDown(SteadyTime now) HR_EXCLUDES(mutex_);
  bool is_limiting() const { return is_limiting_.load(std::memory_order_relaxed); }

 private:
  std::chrono::nanoseconds limited_for() const;
  double AnsweredInWindow() const HR_REQUIRES(mutex_);
  void StartWindow(SteadyTime now) HR_REQUIRES(mutex_);
  // Starts the next window where this one is over.
  void TurnWindow(SteadyTime now) HR_REQUIRES(mutex_);

  const ThrottleOptions options_;
  std::atomic<uint64_t> answered_count_ = 0;
  std::atomic<bool> is_limiting_ = false;
  std::atomic<SteadyTime> window_ends_at_{SteadyTime{}};
  Mutex mutex_;
  SteadyTime window_begun_at_ HR_GUARDED_BY(mutex_){};
  uint64_t answered_before_ HR_GUARDED_BY(mutex_) = 0;  // At the window's begin.
  uint64_t slow_down_count_ HR_GUARDED_BY(mutex_) = 0;  // In the window.
  double rate_before_ HR_GUARDED_BY(mutex_) = 0;  // Answers a second of the last whole window.
  double cut_rate_ HR_GUARDED_BY(mutex_) = 0;     // Requests a second, right after a cut.
  SteadyTime cut_at_ HR_GUARDED_BY(mutex_){};
  double next_slot_ HR_GUARDED_BY(mutex_) = 0;  // Of those since the cut.
};

}  // namespace headrace::s3
