// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/buffer_pool.h"

#include <algorithm>
#include <bit>
#include <iterator>
#include <utility>

namespace headrace::fetch {

size_t CapacityFor(size_t size_bytes) {
  constexpr size_t kPageBytes = 4096;
  if (size_bytes == 0) return 0;
  const size_t grain = std::max(kPageBytes, std::bit_floor(size_bytes - 1) / 8);
  return (size_bytes + grain - 1) / grain * grain;
}

Buffer BufferPool::TakeKept(size_t capacity_bytes) {
  const auto found = kept_.find(capacity_bytes);
  if (found == kept_.end() || found->second.empty()) return {};
  Buffer buffer = std::move(found->second.back());
  found->second.pop_back();
  kept_bytes_ -= capacity_bytes;
  return buffer;
}

Buffer BufferPool::Return(Buffer buffer) {
  const size_t capacity_bytes = buffer.size();
  if (kept_bytes_ + capacity_bytes > kept_bytes_max_) return buffer;
  kept_bytes_ += capacity_bytes;
  kept_[capacity_bytes].push_back(std::move(buffer));
  return {};
}

std::vector<Buffer> BufferPool::ShrinkTo(size_t kept_bytes_max) {
  std::vector<Buffer> dropped;
  while (kept_bytes_ > kept_bytes_max) {
    auto largest = std::prev(kept_.end());
    while (largest->second.empty()) largest = std::prev(kept_.erase(largest));
    kept_bytes_ -= largest->first;
    dropped.push_back(std::move(largest->second.back()));
    largest->second.pop_back();
  }
  return dropped;
}

}  // namespace headrace::fetch
