// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <vector>

#include "headrace/base/buffer.h"

namespace headrace::fetch {

// The size of the buffer that `size_bytes` go into: whole pages, and eight sizes per doubling, so
// that few sizes come again and again and at most an eighth of a large one is unused.
size_t CapacityFor(size_t size_bytes);

// Buffers that are used again and again: a fresh 8 MiB buffer costs two thousand page faults, a
// fifth of a download's CPU time. The one returned last is given first: it may still be in the
// cache. Threads: its owner's lock.
class BufferPool {
 public:
  // Keeps at most `kept_bytes_max` of buffers that nobody uses.
  explicit BufferPool(size_t kept_bytes_max) : kept_bytes_max_(kept_bytes_max) {}

  // A kept buffer of that capacity; empty: there is none.
  Buffer TakeKept(size_t capacity_bytes);
  // What there is no room to keep comes back, to be freed outside the owner's lock.
  Buffer Return(Buffer buffer);
  // Takes kept buffers out, largest first, until at most so many bytes are left.
  std::vector<Buffer> ShrinkTo(size_t kept_bytes_max);

  size_t kept_bytes() const { return kept_bytes_; }

 private:
  const size_t kept_bytes_max_;
  size_t kept_bytes_ = 0;
  std::map<size_t, std::vector<Buffer>> kept_;  // By capacity.
};

}  // namespace headrace::fetch
