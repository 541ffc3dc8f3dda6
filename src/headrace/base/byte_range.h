// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace headrace {

// Bytes [begin, end) of an object.
struct ByteRange {
  uint64_t begin = 0;
  uint64_t end = 0;

  uint64_t size_bytes() const { return end - begin; }
  bool empty() const { return begin == end; }
  bool operator==(const ByteRange&) const = default;
};

}  // namespace headrace
