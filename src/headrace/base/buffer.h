// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <span>
#include <utility>

namespace headrace {

// Owns a page-aligned run of bytes whose contents start undefined. Moves, never copies.
class Buffer {
 public:
  Buffer() = default;
  // Ends the process when the machine has no memory left.
  explicit Buffer(size_t size_bytes);

  Buffer(Buffer&& other) noexcept
      : bytes_(std::move(other.bytes_)), size_bytes_(std::exchange(other.size_bytes_, 0)) {}
  Buffer& operator=(Buffer&& other) noexcept {
    bytes_ = std::move(other.bytes_);
    size_bytes_ = std::exchange(other.size_bytes_, 0);
    return *this;
  }

  size_t size() const { return size_bytes_; }
  std::span<std::byte> span() { return {bytes_.get(), size_bytes_}; }
  std::span<const std::byte> span() const { return {bytes_.get(), size_bytes_}; }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte, Free> bytes_;
  size_t size_bytes_ = 0;
};

}  // namespace headrace
