// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/part_size.h"

#include "headrace/base/text.h"
#include "headrace/store/s3_limits.h"

namespace headrace::fetch {
namespace {

constexpr uint64_t kMebibyte = 1ULL << 20U;

uint64_t CeilDivide(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

}  // namespace

std::optional<uint64_t> StoredPartSize(std::string_view etag, uint64_t object_size_bytes) {
  const size_t dash = etag.rfind('-');
  if (dash == std::string_view::npos || object_size_bytes == 0) return std::nullopt;
  const auto stated = ParseDecimal(etag.substr(dash + 1));
  if (!stated || *stated < 2 || *stated > kPartCountMax) return std::nullopt;
  const uint64_t count = *stated;
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
