// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <span>

#include "headrace/base/error.h"

namespace headrace {

// Finds memory for bytes once the first of them are there.
class TargetMemory {
 public:
  // The same bytes each time. Called on the thread that receives them, by one at a time.
  virtual std::span<std::byte> Find() = 0;

 protected:
  ~TargetMemory() = default;
};

// Where bytes are to be received. Its memory may be found as late as when they arrive: a request
// that waits for its answer then holds none, and memory that others used a moment ago is still in
// the processor's cache. A value that borrows the memory, or what will find it.
class ByteTarget {
 public:
  ByteTarget() = default;
  // Memory that is there.
  // NOLINTNEXTLINE(google-explicit-constructor): a span is a target.
  ByteTarget(std::span<std::byte> bytes) : size_(bytes.size()), bytes_(bytes) {}
  // `memory` will give at least `size_bytes`.
  ByteTarget(size_t size_bytes, TargetMemory& memory) : size_(size_bytes), memory_(&memory) {}

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  // The same memory without its first bytes; finds none.
  ByteTarget From(size_t offset) const {
    HR_CHECK(offset <= size_);
    ByteTarget rest = *this;
    rest.offset_ += offset;
    rest.size_ -= offset;
    return rest;
  }
  ByteTarget First(size_t size_bytes) const {
    HR_CHECK(size_bytes <= size_);
    ByteTarget first = *this;
    first.size_ = size_bytes;
    return first;
  }
  std::span<std::byte> Find() const {
    const std::span<std::byte> all = memory_ != nullptr ? memory_->Find() : bytes_;
    HR_CHECK(offset_ + size_ <= all.size());
    return all.subspan(offset_, size_);
  }

 private:
  size_t offset_ = 0;
  size_t size_ = 0;
  std::span<std::byte> bytes_;
  TargetMemory* memory_ = nullptr;  // Null: the memory is there.
};

}  // namespace headrace
