// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace headrace::fetch {

// From this size on a request takes what its bytes take, below it what its answer takes to begin.
inline constexpr uint64_t kLargePartBytes = 1 << 20;

// The size of the parts an object was uploaded in, as far as its ETag ("…-N") and size tell: the
// least whole number of MiB that makes N parts. Nothing: not uploaded in parts, or in parts of no
// such size.
std::optional<uint64_t> StoredPartSize(std::string_view etag, uint64_t object_size_bytes);

// The size of the ranges to read it in: between `least` and twice that, so that every stored part
// begins with a range of its own; `least` where no such size is known. A stored part is served by
// one machine: two ranges of it share what one delivers.
uint64_t PartSizeFor(std::string_view etag, uint64_t object_size_bytes, uint64_t least);

}  // namespace headrace::fetch
