// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "headrace/base/random.h"

namespace headrace::testing {

// `size_bytes` bytes that depend on the seed alone and do not compress. A shorter run of the same
// seed is a prefix of a longer one.
inline std::string SeededText(uint64_t seed, size_t size_bytes) {
  Random random(seed);
  std::string text(size_bytes, '\0');
  uint64_t word = 0;
  for (size_t i = 0; i < size_bytes; ++i) {
    if (i % sizeof(word) == 0) word = random.Next();
    text[i] = static_cast<char>(word & 0xFFU);
    word >>= 8U;
  }
  return text;
}

inline std::vector<std::byte> SeededBytes(uint64_t seed, size_t size_bytes) {
  const std::string text = SeededText(seed, size_bytes);
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace headrace::testing
