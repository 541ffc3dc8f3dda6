// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "headrace/base/async_semaphore.h"
#include "headrace/base/buffer.h"
#include "headrace/fetch/buffer_pool.h"

namespace headrace::fetch {

class PartMemory;

// A share of a fetcher's memory, returned when this is dropped.
class PartBytes {
 public:
  PartBytes() = default;
  PartBytes(Buffer buffer, std::shared_ptr<PartMemory> owner)
      : buffer_(std::move(buffer)), owner_(std::move(owner)) {}
  PartBytes(PartBytes&& other) noexcept = default;
  PartBytes& operator=(PartBytes&& other) noexcept {
    std::swap(buffer_, other.buffer_);
    std::swap(owner_, other.owner_);
    return *this;
  }
  ~PartBytes();

  std::span<const std::byte> span() const { return buffer_.span(); }
  std::span<std::byte> writable() { return buffer_.span(); }

 private:
  Buffer buffer_;
  std::shared_ptr<PartMemory> owner_;
};

// The memory of everything one fetcher has asked for or delivered, and at most half as much again
// in buffers that wait to be used again. Threads: all methods may be called at once from any
// thread.
class PartMemory : public std::enable_shared_from_this<PartMemory> {
 public:
  PartMemory(uint64_t limit_bytes, size_t part_size_bytes)
      : limit_bytes_(limit_bytes), budget_(limit_bytes), pool_(part_size_bytes, limit_bytes / 2) {}

  // Blocks, first come first served, until the bytes are there; a size above the limit waits for
  // all of it. Not on an event loop.
  PartBytes TakeBlocking(size_t size_bytes);

  uint64_t taken_bytes() const { return limit_bytes_ - budget_.available(); }

 private:
  friend class PartBytes;
  void Return(Buffer buffer);

  const uint64_t limit_bytes_;
  AsyncSemaphore budget_;
  BufferPool pool_;
};

}  // namespace headrace::fetch
