// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/window.h"

#include <algorithm>
#include <utility>

namespace headrace::fetch {
namespace {

// A request more in flight for each that the unloaded path holds: fills gaps between an answer and
// the next request, and lets the window grow.
constexpr double kGain = 2.0;
// Rounds shorter than this say little about rates.
constexpr std::chrono::milliseconds kRoundMin{2};
// The best rate seen is forgotten by this much a round, so that a path that became slower shrinks
// the window within tens of rounds.
constexpr double kRateDecay = 0.95;
// The unloaded time is looked for anew after this: a path whose latency rose starves for no longer.
constexpr std::chrono::seconds kUnloadedLifetime{2};
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
                           options.requests_max)) {}

void WindowController::OnPartEnd(const PartObservation& part, bool was_full) {
  if (!round_) round_ = Round{.begun_at = part.ended_at - part.total};
  Round& round = *round_;
  // A probe looks at requests that began in it: those before stood in the queue it lets drain.
  if (is_probing_ && part.ended_at - part.total < round.begun_at) return;
  ++round.count;
  if (was_full) ++round.full_count;
  round.size_bytes += part.size_bytes;
  round.first_byte += part.first_byte;
  round.transfer += part.total - part.first_byte;
  if (round.count >= requests_ && part.ended_at - round.begun_at >= kRoundMin) {
    EndRound(part.ended_at);
  }
}

void WindowController::LearnUnloaded(SteadyTime now, const Round& round) {
  const auto learn = [&](double& least, double seen) {
    if (least != 0 && !is_probing_ && seen >= least) return;
    least = seen;
    unloaded_found_at_ = now;
  };
  learn(first_byte_s_, std::max(1e-6, Seconds(round.first_byte) / round.count));
  const auto size_bytes = static_cast<double>(round.size_bytes);
  if (size_bytes / round.count < kTransferBytesMin) return;
  learn(transfer_s_per_byte_, Seconds(round.transfer) / size_bytes);
}

double WindowController::UnloadedSeconds(double mean_bytes) const {
  return first_byte_s_ + transfer_s_per_byte_ * mean_bytes;
}

void WindowController::EndRound(SteadyTime now) {
  const Round round = *round_;
  round_ = Round{.begun_at = now};
  const double seconds = std::max(1e-6, Seconds(now - round.begun_at));
  const double rate = round.count / seconds;
  const double mean_bytes = static_cast<double>(round.size_bytes) / round.count;
  LearnUnloaded(now, round);
  const double unloaded_s = UnloadedSeconds(mean_bytes);
  // A probe does not fill the path: its rate is no news.
  if (!is_probing_) rate_max_ = std::max(rate, rate_max_ * kRateDecay);
  if (!std::exchange(is_probing_, false)) {
    if (round.full_count * 2 < round.count) return;
    if (now - unloaded_found_at_ > kUnloadedLifetime) {
      is_probing_ = true;
      requests_ = Limited(rate * unloaded_s, options_.requests_min);
      return;
    }
  }
  double wanted_rate = rate_max_;
  if (options_.target_bytes_per_second > 0 && mean_bytes > 0) {
    wanted_rate =
        std::min(wanted_rate, static_cast<double>(options_.target_bytes_per_second) / mean_bytes);
  }
  // One round never more than doubles or halves it.
  requests_ =
      Limited(std::clamp(kGain * wanted_rate * unloaded_s, requests_ / 2.0, requests_ * 2.0),
              LeastFor(mean_bytes));
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
