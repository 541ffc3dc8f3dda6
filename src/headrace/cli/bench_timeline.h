// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace headrace::cli {

// Bytes over time in a fixed number of bins, which grow twice as wide whenever time runs past the
// last. Threads: one at a time.
class BenchTimeline {
 public:
  static constexpr size_t kBins = 128;

  void Add(std::chrono::nanoseconds since_begin, uint64_t size_bytes);

  std::chrono::nanoseconds bin_width() const { return bin_width_; }
  const std::array<uint64_t, kBins>& bytes() const { return bytes_; }

 private:
  std::chrono::nanoseconds bin_width_ = std::chrono::milliseconds(1);
  std::array<uint64_t, kBins> bytes_{};
};

}  // namespace headrace::cli
