// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <limits>

namespace headrace::format {

inline constexpr int kGzipWindowBits = MAX_WBITS + 16;  // 16 asks zlib for gzip's header.

// As much of `size_bytes` as one call of zlib can take.
inline uInt Bounded(size_t size_bytes) {
  return static_cast<uInt>(std::min<size_t>(size_bytes, std::numeric_limits<uInt>::max()));
}

}  // namespace headrace::format
