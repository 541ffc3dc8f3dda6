// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/endpoint_throttle.h"

#include <algorithm>
#include <cmath>

namespace headrace::s3 {
namespace {

// A limit so many times above the rate that was cut limits nothing.
constexpr double kReleaseFactor = 8;
// Cuts are no closer than this: answers to what was sent before a cut still come in.
constexpr std::chrono::milliseconds kCutSpacing{250};
// A rate measured over less is noise.
constexpr double kSecondsMin = 0.01;

double Seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

double EndpointThrottle::RateAt(SteadyTime now) const {
  const double doublings = Seconds(now - cut_at_) / Seconds(options_.doubling_time);
  return cut_rate_ * std::exp2(doublings);
}

void EndpointThrottle::StartWindow(SteadyTime now) {
  window_begun_at_ = now;
  answered_before_ = answered_count_.load(std::memory_order_relaxed);
  slow_down_count_ = 0;
}

std::chrono::nanoseconds EndpointThrottle::Take(SteadyTime now) {
  if (!is_limiting()) return std::chrono::nanoseconds(0);
  const MutexLock lock(mutex_);
  const double rate = RateAt(now);
  if (rate > kReleaseFactor * cut_rate_) {
    is_limiting_.store(false, std::memory_order_relaxed);
    return std::chrono::nanoseconds(0);
  }
  const SteadyTime at = std::max(now, next_free_at_);
  next_free_at_ = at + std::chrono::nanoseconds(static_cast<int64_t>(1e9 / rate));
  return at - now;
}

void EndpointThrottle::OnSlowDown(SteadyTime now) {
  const MutexLock lock(mutex_);
  if (now - window_begun_at_ > options_.window) StartWindow(now);
  ++slow_down_count_;
  const uint64_t answered = answered_count_.load(std::memory_order_relaxed) - answered_before_;
  const auto all = static_cast<double>(slow_down_count_ + answered);
  if (slow_down_count_ < options_.slow_down_count_min) return;
  if (static_cast<double>(slow_down_count_) < options_.slow_down_share_max * all) return;
  if (is_limiting() && now - cut_at_ < kCutSpacing) return;
  const double seconds = std::max(kSecondsMin, Seconds(now - window_begun_at_));
  double rate = static_cast<double>(answered) / seconds;
  if (is_limiting()) rate = std::min(rate, RateAt(now));
  cut_rate_ = std::max(options_.rate_min, rate * options_.cut_to);
  cut_at_ = now;
  next_free_at_ = now;
  is_limiting_.store(true, std::memory_order_relaxed);
  StartWindow(now);
}

}  // namespace headrace::s3
