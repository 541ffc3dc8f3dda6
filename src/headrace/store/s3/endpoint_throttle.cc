// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/endpoint_throttle.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace headrace::s3 {
namespace {

// A rate that has doubled so often is eight times what was cut and limits nothing.
constexpr int kReleaseDoublings = 3;
// Cuts are no closer than this: answers to what was sent before a cut still come in.
constexpr std::chrono::milliseconds kCutSpacing{250};
// A rate measured over less is noise.
constexpr double kSecondsMin = 0.01;

double Seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

// The integral of rate * 2^(t / doubling_time), and its inverse.
double SlotsBy(std::chrono::nanoseconds since, double rate,
               std::chrono::nanoseconds doubling_time) {
  const double growth_seconds = Seconds(doubling_time) / std::numbers::ln2;
  return rate * growth_seconds * std::expm1(Seconds(since) / growth_seconds);
}

std::chrono::nanoseconds SlotAt(double slots, double rate, std::chrono::nanoseconds doubling_time) {
  const double growth_seconds = Seconds(doubling_time) / std::numbers::ln2;
  const double seconds = growth_seconds * std::log1p(slots / (rate * growth_seconds));
  return std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
}

std::chrono::nanoseconds EndpointThrottle::limited_for() const {
  return kReleaseDoublings * options_.doubling_time;
}

double EndpointThrottle::AnsweredInWindow() const {
  return static_cast<double>(answered_count_.load(std::memory_order_relaxed) - answered_before_);
}

void EndpointThrottle::StartWindow(SteadyTime now) {
  window_begun_at_ = now;
  window_ends_at_.store(now + options_.window, std::memory_order_relaxed);
  answered_before_ = answered_count_.load(std::memory_order_relaxed);
  slow_down_count_ = 0;
}

void EndpointThrottle::TurnWindow(SteadyTime now) {
  if (now <= window_ends_at_.load(std::memory_order_relaxed)) return;
  // Of the first window nothing is known, its begin included.
  const bool is_first = window_begun_at_ == SteadyTime{};
  rate_before_ = is_first ? 0 : AnsweredInWindow() / Seconds(now - window_begun_at_);
  StartWindow(now);
}

ThrottleTurn EndpointThrottle::Take(SteadyTime now) {
  if (!is_limiting()) return {};
  const MutexLock lock(mutex_);
  const std::chrono::nanoseconds since = now - cut_at_;
  if (since >= limited_for()) {
    is_limiting_.store(false, std::memory_order_relaxed);
    return {};
  }
  const double slot = std::max(next_slot_, SlotsBy(since, cut_rate_, options_.doubling_time));
  const std::chrono::nanoseconds at = SlotAt(slot, cut_rate_, options_.doubling_time);
  if (at >= limited_for()) return {.wait = limited_for() - since, .is_granted = false};
  next_slot_ = slot + 1;
  return {.wait = std::max(std::chrono::nanoseconds(0), at - since)};
}

void EndpointThrottle::OnAnswer(SteadyTime now) {
  answered_count_.fetch_add(1, std::memory_order_relaxed);
  if (now <= window_ends_at_.load(std::memory_order_relaxed)) return;
  const MutexLock lock(mutex_);
  TurnWindow(now);
}

void EndpointThrottle::OnSlowDown(SteadyTime now) {
  const MutexLock lock(mutex_);
  TurnWindow(now);
  ++slow_down_count_;
  const double answered = AnsweredInWindow();
  const auto slow_downs = static_cast<double>(slow_down_count_);
  if (slow_down_count_ < options_.slow_down_count_min) return;
  if (slow_downs < options_.slow_down_share_max * (slow_downs + answered)) return;
  const std::chrono::nanoseconds since_cut = now - cut_at_;
  if (is_limiting() && since_cut < kCutSpacing) return;
  double rate = answered / std::max(kSecondsMin, Seconds(now - window_begun_at_));
  if (is_limiting()) {
    const double doublings = Seconds(since_cut) / Seconds(options_.doubling_time);
    rate = std::min(rate, cut_rate_ * std::exp2(doublings));
  } else {
    // A window that has just begun says nothing: a burst of slow downs may come before its answers.
    rate = std::max(rate, rate_before_);
  }
  cut_rate_ = std::max(options_.rate_min, rate * options_.cut_to);
  cut_at_ = now;
  next_slot_ = 0;
  is_limiting_.store(true, std::memory_order_relaxed);
  StartWindow(now);
}

}  // namespace headrace::s3
