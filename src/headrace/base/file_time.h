// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <chrono>

#include "headrace/base/clock.h"

namespace headrace {

// When the file was last written to; of a time that SystemTime cannot hold (a file system's may lie
// beyond the year 2262) the nearest that it can.
inline SystemTime ModifiedOf(const struct stat& status) {
  using std::chrono::seconds;
  constexpr seconds kLast = std::chrono::floor<seconds>(SystemTime::max().time_since_epoch());
  constexpr seconds kFirst = std::chrono::ceil<seconds>(SystemTime::min().time_since_epoch());
  const seconds since = std::clamp(seconds(status.st_mtim.tv_sec), kFirst, kLast - seconds(1));
  return SystemTime(since + std::chrono::nanoseconds(status.st_mtim.tv_nsec));
}

}  // namespace headrace
