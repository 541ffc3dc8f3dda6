// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/permutation.h"

#include <algorithm>
#include <bit>

#include "headrace/base/error.h"
#include "headrace/base/random.h"

namespace headrace::plan {
namespace {

// Halves of one bit would make too few orders of a handful of objects; sixteen points cost a walk
// of at most eight steps on average.
constexpr uint32_t kBitsMin = 4;
constexpr uint64_t kSizeMax = 1ULL << 62U;

// The output function of SplitMix64 over half and key.
uint64_t Mix(uint64_t half, uint64_t key) {
  uint64_t z = half + key;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

}  // namespace

Permutation::Permutation(uint64_t seed, uint64_t epoch, uint64_t size) : size_(size) {
  HR_CHECK(size <= kSizeMax);
  const uint64_t last = size == 0 ? 0 : size - 1;
  const auto bits = std::max(kBitsMin, static_cast<uint32_t>(std::bit_width(last)));
  low_bits_ = (bits + 1) / 2;
  low_mask_ = (1ULL << low_bits_) - 1;
  high_mask_ = (1ULL << (bits - low_bits_)) - 1;
  Random keys(Random(seed).Next() ^ epoch);
  for (uint64_t& key : round_keys_) key = keys.Next();
}

uint64_t Permutation::Forward(uint64_t point) const {
  uint64_t low = point & low_mask_;
  uint64_t high = point >> low_bits_;
  for (size_t round = 0; round < kRounds; round += 2) {
    high ^= Mix(low, round_keys_[round]) & high_mask_;
    low ^= Mix(high, round_keys_[round + 1]) & low_mask_;
  }
  return (high << low_bits_) | low;
}

uint64_t Permutation::Backward(uint64_t point) const {
  uint64_t low = point & low_mask_;
  uint64_t high = point >> low_bits_;
  for (size_t round = kRounds; round > 0; round -= 2) {
    low ^= Mix(high, round_keys_[round - 1]) & low_mask_;
    high ^= Mix(low, round_keys_[round - 2]) & high_mask_;
  }
  return (high << low_bits_) | low;
}

// Points outside are stations on the way: the network permutes all points, so the walk from a point
// inside comes back inside, and the walk backwards takes the same way.
uint64_t Permutation::At(uint64_t position) const {
  HR_CHECK(position < size_);
  uint64_t point = Forward(position);
  while (point >= size_) point = Forward(point);
  return point;
}

uint64_t Permutation::PositionOf(uint64_t value) const {
  HR_CHECK(value < size_);
  uint64_t point = Backward(value);
  while (point >= size_) point = Backward(point);
  return point;
}

}  // namespace headrace::plan
