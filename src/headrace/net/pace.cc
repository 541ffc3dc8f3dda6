// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/pace.h"

#include <algorithm>
#include <cmath>

namespace headrace::net {
namespace {

// About a TCP segment: below 146 KB/s a piece is more than 10 ms.
constexpr double kPieceBytesMin = 1460;

}  // namespace

Pace::Pace(uint64_t bytes_per_second)
    : bytes_per_second_(bytes_per_second),
      piece_bytes_(std::max(kPieceBytesMin, static_cast<double>(bytes_per_second) / 100)),
      tokens_(piece_bytes_) {}

size_t Pace::Allow(size_t wanted, SteadyTime now) {
  if (!is_limited()) return wanted;
  if (filled_at_ == SteadyTime()) filled_at_ = now;
  const double seconds = std::chrono::duration<double>(now - filled_at_).count();
  filled_at_ = now;
  tokens_ = std::min(2 * piece_bytes_, tokens_ + seconds * static_cast<double>(bytes_per_second_));
  if (tokens_ < std::min(static_cast<double>(wanted), piece_bytes_ / 2)) return 0;
  return std::min(wanted, static_cast<size_t>(tokens_));
}

std::chrono::nanoseconds Pace::Delay() const {
  const double missing = std::max(0.0, piece_bytes_ - tokens_);
  return std::chrono::nanoseconds(
      std::llround(std::ceil(missing * 1e9 / static_cast<double>(bytes_per_second_))));
}

}  // namespace headrace::net
