// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace headrace::plan {

// The order of one epoch: a permutation of 0 … size-1 that is fixed by (seed, epoch, size) and
// evaluated point by point, in constant memory and time. A Feistel network over the smallest power
// of two that holds `size`, walked until it lands inside. The same on every machine and in every
// release: docs/formats/shuffle.md is the promise, with vectors.
class Permutation {
 public:
  // Precondition: size <= 2^62.
  Permutation(uint64_t seed, uint64_t epoch, uint64_t size);

  uint64_t size() const { return size_; }
  // What stands at `position`, and where `value` stands. Precondition: the argument < size().
  uint64_t At(uint64_t position) const;
  uint64_t PositionOf(uint64_t value) const;

 private:
  static constexpr size_t kRounds = 8;

  uint64_t Forward(uint64_t point) const;
  uint64_t Backward(uint64_t point) const;

  uint64_t size_;
  uint32_t low_bits_;
  uint64_t low_mask_;
  uint64_t high_mask_;
  std::array<uint64_t, kRounds> round_keys_;
};

}  // namespace headrace::plan
