// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/part_size.h"

#include <charconv>

namespace headrace::fetch {
namespace {

constexpr uint64_t kMebibyte = 1ULL << 20U;
// S3's own limit.
constexpr uint64_t kStoredPartsMax = 10'000;

uint64_t CeilDivide(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

}  // namespace

std::optional<uint64_t> StoredPartSize(std::string_view etag, uint64_t object_size_bytes) {
  const size_t dash = etag.rfind('-');
  if (dash == std::string_view::npos || object_size_bytes == 0) return std::nullopt;
  const std::string_view digits = etag.substr(dash + 1);
  uint64_t count = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), count);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  if (count < 2 || count > kStoredPartsMax) return std::nullopt;
  const uint64_t size_bytes =
      CeilDivide(CeilDivide(object_size_bytes, count), kMebibyte) * kMebibyte;
  if (CeilDivide(object_size_bytes, size_bytes) != count) return std::nullopt;
  return size_bytes;
}

uint64_t PartSizeFor(std::string_view etag, uint64_t object_size_bytes, uint64_t least) {
  const auto stored = StoredPartSize(etag, object_size_bytes);
  if (!stored) return least;
  if (*stored < least) {
    const uint64_t together = CeilDivide(least, *stored) * *stored;
    return together <= 2 * least ? together : least;
  }
  for (uint64_t pieces = CeilDivide(*stored, 2 * least); *stored / pieces >= least; ++pieces) {
    if (*stored % pieces == 0) return *stored / pieces;
  }
  return least;
}

}  // namespace headrace::fetch
