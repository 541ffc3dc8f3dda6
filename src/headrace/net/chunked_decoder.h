// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "headrace/base/error.h"

namespace headrace::net {

// Undoes chunked transfer coding (RFC 9112, section 7.1), split anywhere. Extensions are skipped,
// trailer fields are collected.
class ChunkedDecoder {
 public:
  struct Step {
    size_t consumed = 0;  // Bytes of the input that need not be given again.
    size_t produced = 0;  // Bytes of the output that were filled.
  };

  // Decodes from `input` to `output` until one of them is used up or the body has ended. kCorrupt:
  // not chunked coding, or a line over kLineBytesMax.
  Result<Step> Decode(std::span<const char> input, std::span<std::byte> output);

  bool is_done() const { return state_ == State::kDone; }
  // "Name: value" lines after the last chunk, each ending in a line feed.
  const std::string& trailer() const { return trailer_; }
  // Bytes of the running chunk still to come: what may be read past the decoder, straight into
  // place.
  uint64_t chunk_bytes_left() const { return state_ == State::kData ? left_ : 0; }
  // Tells that `count` bytes of the running chunk were read past the decoder; at most
  // chunk_bytes_left().
  void SkipData(uint64_t count);

 private:
  enum class State { kSize, kData, kDataEnd, kTrailer, kDone };
  static constexpr size_t kLineBytesMax = 4096;
  static constexpr size_t kTrailerBytesMax = 16 * 1024;

  // Moves a line's bytes into line_; true once it is whole.
  Result<bool> TakeLine(std::span<const char>& input);
  Status EndLine();

  State state_ = State::kSize;
  uint64_t left_ = 0;
  std::string line_;
  std::string trailer_;
};

}  // namespace headrace::net
