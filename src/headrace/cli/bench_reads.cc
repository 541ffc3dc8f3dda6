// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/bench_reads.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "headrace/base/random.h"
#include "headrace/plan/permutation.h"

namespace headrace::cli {
namespace {

// What file systems and databases align their reads to.
constexpr uint64_t kRangeAlignmentBytes = 4096;

}  // namespace

BenchReads::BenchReads(std::string bucket, plan::Listing listing, BenchOrder order)
    : bucket_(std::move(bucket)), listing_(std::move(listing)), order_(order) {}

uint64_t BenchReads::size() const {
  if (listing_.empty()) return 0;
  return order_.range_size_bytes > 0 ? order_.read_count : listing_.size();
}

fetch::PlannedRead BenchReads::At(uint64_t index) const {
  uint64_t position = index;
  ByteRange range;
  if (order_.range_size_bytes > 0) {
    // A generator per sample: any of them can be asked for alone.
    Random random(order_.seed + index);
    position = random.Below(listing_.size());
    const uint64_t size_bytes = listing_.At(position).size_bytes;
    const uint64_t room_bytes = size_bytes - std::min(order_.range_size_bytes, size_bytes);
    range.begin = random.Below(room_bytes / kRangeAlignmentBytes + 1) * kRangeAlignmentBytes;
    range.end = std::min(size_bytes, range.begin + order_.range_size_bytes);
  } else if (order_.is_shuffled) {
    position = plan::Permutation(order_.seed, 0, listing_.size()).At(index);
  }
  const plan::ListedObject object = listing_.At(position);
  if (order_.range_size_bytes == 0) range = {.begin = 0, .end = object.size_bytes};
  return {.bucket = bucket_,
          .key = std::string(object.key),
          .object_size_bytes = object.size_bytes,
          .etag = listing_.EtagAt(position),
          .range = range};
}

fetch::ReadSource BenchReads::Source() const {
  return [this, index = uint64_t{0}]() mutable -> Result<std::optional<fetch::PlannedRead>> {
    if (index == size()) return std::nullopt;
    return At(index++);
  };
}

}  // namespace headrace::cli
