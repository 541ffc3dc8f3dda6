// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/buffer_pool.h"

#include <utility>

namespace headrace::fetch {

Buffer BufferPool::Take(size_t size_bytes) {
  if (size_bytes == pooled_size_bytes_) {
    const MutexLock lock(mutex_);
    if (!kept_.empty()) {
      Buffer buffer = std::move(kept_.back());
      kept_.pop_back();
      return buffer;
    }
  }
  return Buffer(size_bytes);
}

void BufferPool::Return(Buffer buffer) {
  if (buffer.size() != pooled_size_bytes_) return;
  const MutexLock lock(mutex_);
  if (kept_.size() < kept_count_max_) kept_.push_back(std::move(buffer));
}

}  // namespace headrace::fetch
