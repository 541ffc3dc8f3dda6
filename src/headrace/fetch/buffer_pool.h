// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <vector>

#include "headrace/base/buffer.h"
#include "headrace/base/mutex.h"

namespace headrace::fetch {

// Buffers of one size that are used again and again: a fresh 8 MiB buffer costs two thousand page
// faults, a fifth of a download's CPU time. Other sizes pass through to the allocator. Threads: all
// methods may be called at once from any thread.
class BufferPool {
 public:
  // Keeps at most `kept_bytes_max` of buffers that nobody uses.
  BufferPool(size_t pooled_size_bytes, size_t kept_bytes_max)
      : pooled_size_bytes_(pooled_size_bytes),
        kept_count_max_(kept_bytes_max / pooled_size_bytes) {}

  Buffer Take(size_t size_bytes) HR_EXCLUDES(mutex_);
  void Return(Buffer buffer) HR_EXCLUDES(mutex_);

 private:
  const size_t pooled_size_bytes_;
  const size_t kept_count_max_;
  Mutex mutex_;
  std::vector<Buffer> kept_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::fetch
