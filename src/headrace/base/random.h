// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

namespace headrace {

// SplitMix64: every seed gives a full-period sequence that is the same on every machine and in
// every release (the standard leaves its distributions to each library).
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  // A seed the kernel gave.
  static Random FromEntropy();

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  // Uniform in [0, bound); bound > 0. Bias below 2^-32 for bounds below 2^32.
  uint64_t Below(uint64_t bound) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>((static_cast<Wide>(Next()) * bound) >> 64U);
  }
  // Uniform in [0, 1).
  double Unit() { return static_cast<double>(Next() >> 11U) * 0x1.0p-53; }

 private:
  uint64_t state_;
};

// `byte_count` bytes from the kernel's generator as lower-case hexadecimal digits; for names of
// temporary files and for keys.
std::string RandomHex(size_t byte_count);

}  // namespace headrace
