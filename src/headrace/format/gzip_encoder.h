// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <span>

namespace headrace::format {

// Compresses bytes that arrive in pieces into one gzip member (RFC 1952), without a name or a time,
// so that equal input gives equal output.
// Threads: one at a time. Memory: zlib's 256 KiB.
class GzipEncoder {
 public:
  struct Step {
    size_t taken_bytes = 0;    // Of the input.
    size_t given_bytes = 0;    // In the target.
    bool is_finished = false;  // All was given; Encode must not be called again.
  };

  // `level`: zlib's, 1 (fastest) to 9.
  explicit GzipEncoder(int level);
  ~GzipEncoder();
  GzipEncoder(const GzipEncoder&) = delete;
  GzipEncoder& operator=(const GzipEncoder&) = delete;

  // Takes from `input` and gives into `target`, until one of them is used up. With `is_last`, and
  // once no input is left, goes on to the member's end: call again while it is not finished.
  Step Encode(std::span<const std::byte> input, std::span<std::byte> target, bool is_last);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace headrace::format
