// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/bench_timeline.h"

#include <algorithm>

namespace headrace::cli {

void BenchTimeline::Add(std::chrono::nanoseconds since_begin, uint64_t size_bytes) {
  while (since_begin >= bin_width_ * kBins) {
    for (size_t bin = 0; bin < kBins / 2; ++bin)
      bytes_[bin] = bytes_[2 * bin] + bytes_[2 * bin + 1];
    std::fill(bytes_.begin() + kBins / 2, bytes_.end(), 0);
    bin_width_ *= 2;
  }
  bytes_[static_cast<size_t>(since_begin / bin_width_)] += size_bytes;
}

}  // namespace headrace::cli
