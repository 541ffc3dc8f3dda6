// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

#include "headrace/base/clock.h"

namespace headrace {

// The timeout that poll(2) takes to wait until `deadline`: -1 is for ever. Rounded up, so that the
// deadline has passed when poll gives up; one further away than an int reaches needs another poll.
inline int PollMilliseconds(const Deadline& deadline, SteadyTime now) {
  if (!deadline.at()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline.at() - now);
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, std::numeric_limits<int>::max()));
}

}  // namespace headrace
