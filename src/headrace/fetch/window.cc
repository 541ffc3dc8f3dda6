// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/window.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "headrace/base/error.h"
#include "headrace/fetch/part_size.h"

namespace headrace::fetch {
namespace {

// A request more in flight for each that the unloaded path holds: fills gaps between an answer and
// the next request, and lets the window grow.
constexpr double kGain = 2.0;
// In the beginning the window doubles in a round, and so does the rate while latency is the limit.
// So many rounds one after the other that bring less than so many times the best rate have found
// something else. One may be jitter; two follow a first one that was fast by chance.
constexpr double kRising = 1.5;
constexpr uint32_t kFlatRoundsMax = 3;
// The mean of fewer answers is low by chance now and then, half of the true one: in the beginning
// the mean of the next round takes its place, and the least counts only after them.
constexpr uint32_t kChanceCountMax = 100;
// Rounds shorter than this say little about rates.
constexpr std::chrono::milliseconds kRoundMin{2};
// The best rate seen is forgotten by this much a round, so that a path that became slower shrinks
// the window within tens of rounds.
constexpr double kRateDecay = 0.95;
// The unloaded time is looked for anew after this: a path whose latency rose starves for no longer.
constexpr double kUnloadedLifetime = 2;  // Seconds.
// A probe of large parts costs up to half a request time, and beside the store, where the first
// ones learn from connections and memory that are new, comes soon.
constexpr double kUnloadedLifetimeRequests = 40;
constexpr double kUnloadedLifetimeMax = 5;
// Of what the path holds without a queue, how much a probe of large parts leaves in flight. Where
// the rate is the limit, requests take as long as their number makes them: half of them then take
// half as long, and the window comes down; where latency is, they take as long as before.
constexpr double kLargeProbeShare = 0.5;
// A probe of large parts that brings so much of the best rate has found the path full still.
constexpr double kStillFullShare = 0.75;
// The best rate is one of answers of a size: of answers so many times larger or smaller it is no
// measure.
constexpr double kOtherSize = 2;
// A store whose first answer begins later is no neighbour: latency will ask for many requests.
constexpr std::chrono::milliseconds kFarFirstByte{10};
// Latency has little to say where a large part takes no longer with nothing queued; below the first
// all paths get the same bytes in flight, up to the second what 3 GB/s bring meanwhile.
constexpr std::chrono::milliseconds kNearPart{10};
constexpr std::chrono::milliseconds kNearPartMax{20};
// The bytes of smaller answers come with the first one: what is measured of them is noise.
constexpr double kTransferBytesMin = 64.0 * 1024;

double Seconds(std::chrono::nanoseconds span) {
  return std::chrono::duration<double>(span).count();
}

}  // namespace

WindowController::WindowController(const WindowOptions& options)
    : options_(options),
      requests_(std::clamp(options.requests_start,
                           std::min(options.requests_min, options.requests_max),
                           options.requests_max)) {
  HR_CHECK(options.large_requests_start > 0);
}

void WindowController::OnPartBegin(uint64_t size_bytes) {
  if (has_begun_large_ || rate_max_ > 0 || size_bytes < kLargePartBytes) return;
  has_begun_large_ = true;
  if (requests_ <= options_.large_requests_start) return;
  requests_ = options_.large_requests_start;
  wants_first_answer_ = true;
}

void WindowController::OnFirstAnswer(std::chrono::nanoseconds first_byte) {
  if (!std::exchange(wants_first_answer_, false) || rate_max_ > 0) return;
  if (first_byte < kFarFirstByte) return;
  requests_ = std::max(requests_, Limited(options_.requests_start, 0));
}

void WindowController::OnPartEnd(const PartObservation& part, bool was_full) {
  if (!round_) round_ = Round{.begun_at = part.ended_at - part.total, .wanted_count = requests_};
  Round& round = *round_;
  // A probe looks at requests that began in it: those before stood in the queue it lets drain.
  if (is_probing_ && part.ended_at - part.total < round.begun_at) return;
  ++round.count;
  if (was_full) ++round.full_count;
  round.size_bytes += part.size_bytes;
  round.first_byte += part.first_byte;
  round.transfer += part.total - part.first_byte;
  if (is_starting_ && was_full && WasLatency(part)) {
    requests_ = std::min(requests_ + 1, options_.requests_max);
  }
  if (round.count >= round.wanted_count && part.ended_at - round.begun_at >= kRoundMin) {
    EndRound(round, part.ended_at);
    round_ = Round{.begun_at = part.ended_at, .wanted_count = requests_};
  }
}

void WindowController::LearnUnloaded(SteadyTime now, const Round& round, bool may_have_queue) {
  const auto learn = [&](double& least, double seen) {
    if (least != 0 && may_have_queue && seen >= least) return;
    least = seen;
    unloaded_found_at_ = now;
  };
  learn(first_byte_s_, std::max(1e-6, Seconds(round.first_byte) / round.count));
  const auto size_bytes = static_cast<double>(round.size_bytes);
  if (size_bytes / round.count < kTransferBytesMin) return;
  learn(transfer_s_per_byte_, Seconds(round.transfer) / size_bytes);
}

bool WindowController::WasLatency(const PartObservation& part) const {
  if (part.size_bytes >= kLargePartBytes || part.first_byte < kFarFirstByte) return false;
  const double unloaded_s = UnloadedSeconds(static_cast<double>(part.size_bytes));
  return first_byte_s_ == 0 || Seconds(part.total) <= kGain * unloaded_s;
}

double WindowController::UnloadedSeconds(double mean_bytes) const {
  return first_byte_s_ + transfer_s_per_byte_ * mean_bytes;
}

void WindowController::EndRound(const Round& round, SteadyTime now) {
  const double seconds = std::max(1e-6, Seconds(now - round.begun_at));
  const double rate = round.count / seconds;
  const double mean_bytes = static_cast<double>(round.size_bytes) / round.count;
  const bool is_large = mean_bytes >= kLargePartBytes;
  const bool is_start = rate_max_ == 0;
  if (is_large && is_start && requests_ <= options_.large_requests_start &&
      !std::exchange(has_warmed_up_, true)) {
    return;
  }
  is_starting_ = is_starting_ && !is_large && round.first_byte >= round.count * kFarFirstByte &&
                 !IsOtherSize(mean_bytes) && rate < TargetRate(mean_bytes);
  const bool is_by_chance = is_starting_ && round.count < kChanceCountMax;
  LearnUnloaded(now, round, !is_probing_ && !is_by_chance);
  const double unloaded_s = UnloadedSeconds(mean_bytes);
  const uint32_t before = is_probing_ ? requests_before_probe_ : requests_;
  if (std::exchange(is_probing_, false)) {
    // A probe does not fill the path: its rate is no news, unless it does.
    const bool is_still_full = requests_ >= kStillFullShare * rate_max_ * unloaded_s;
    if (is_large && is_still_full && requests_ > options_.large_requests_start) {
      return BeginProbe(requests_ / 2.0, options_.large_requests_start);
    }
  } else {
    const bool is_rising = rate >= kRising * rate_max_;
    NoteRate(rate, mean_bytes);
    if (round.full_count * 2 < round.count) return;
    flat_rounds_ = is_rising ? 0 : flat_rounds_ + 1;
    is_starting_ = is_starting_ && flat_rounds_ < kFlatRoundsMax;
    if (is_starting_) return;
    if (is_large && !std::exchange(has_seen_large_, true) && !is_start) {
      // What small answers have taught says nothing of large ones.
      return BeginProbe(0, options_.large_requests_start);
    }
    const double lifetime_s =
        is_large ? std::min(kUnloadedLifetimeRequests * unloaded_s, kUnloadedLifetimeMax)
                 : kUnloadedLifetime;
    if (Seconds(now - unloaded_found_at_) > lifetime_s) return BeginProbeOf(rate, mean_bytes);
  }
  const double wanted_rate = std::min(rate_max_, TargetRate(mean_bytes));
  // One round never more than doubles or halves it, but for the beginning and for the limit of
  // large parts.
  double wanted = std::clamp(kGain * wanted_rate * unloaded_s, before / 2.0, before * 2.0);
  if (is_large && unloaded_s <= Seconds(kNearPartMax)) {
    const double bytes_max = static_cast<double>(options_.near_large_bytes_max) *
                             std::max(1.0, unloaded_s / Seconds(kNearPart));
    wanted = std::min(wanted, bytes_max / mean_bytes);
  }
  requests_ = Limited(wanted, LeastFor(mean_bytes));
}

double WindowController::TargetRate(double mean_bytes) const {
  const uint64_t target = options_.target_bytes_per_second;
  return target > 0 && mean_bytes > 0 ? static_cast<double>(target) / mean_bytes
                                      : std::numeric_limits<double>::infinity();
}

bool WindowController::IsOtherSize(double mean_bytes) const {
  return rate_max_ > 0 &&
         (mean_bytes > kOtherSize * rate_mean_bytes_ || mean_bytes * kOtherSize < rate_mean_bytes_);
}

void WindowController::NoteRate(double rate, double mean_bytes) {
  rate_max_ = IsOtherSize(mean_bytes) ? rate : std::max(rate, rate_max_ * kRateDecay);
  rate_mean_bytes_ = mean_bytes;
}

void WindowController::BeginProbe(double wanted, uint32_t least) {
  is_probing_ = true;
  requests_before_probe_ = requests_;
  requests_ = Limited(wanted, least);
}

void WindowController::BeginProbeOf(double rate, double mean_bytes) {
  const double held = rate * UnloadedSeconds(mean_bytes);
  if (mean_bytes < kLargePartBytes) return BeginProbe(held, options_.requests_min);
  BeginProbe(kLargeProbeShare * held, options_.large_requests_start);
}

uint32_t WindowController::LeastFor(double mean_bytes) const {
  const double small_count =
      static_cast<double>(options_.small_bytes_max) / std::max(1.0, mean_bytes);
  const double small_least = std::min<double>(small_count, options_.small_requests_min);
  return std::max(options_.requests_min, static_cast<uint32_t>(small_least));
}

uint32_t WindowController::Limited(double wanted, uint32_t least) const {
  least = std::min(least, options_.requests_max);
  const auto whole = static_cast<uint32_t>(std::clamp(wanted + 0.5, 0.0, 1e9));
  return std::clamp(whole, least, options_.requests_max);
}

}  // namespace headrace::fetch
