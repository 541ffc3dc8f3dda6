// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/net/http_message.h"

namespace headrace::net {

// The framing of a chunked body (RFC 9112 section 7.1): sizes, extensions and trailers, out of
// bytes that arrive in pieces. The data between them never passes through it, so that a reader can
// receive it straight into its target. S3's aws-chunked encoding has the same shape and uses it
// too. Pure: no I/O.
class ChunkFraming {
 public:
  // Longest chunk-size line or trailer line, and the most bytes of all trailers. Signed forms need
  // about 100 bytes each.
  static constexpr size_t kLineBytesMax = 8 * 1024;
  static constexpr size_t kTrailerBytesMax = 32 * 1024;

  // Takes framing bytes off the start of `input` until a data byte, the end of the body or the end
  // of `input` comes, and says how many it took. kCorrupt: not chunked framing.
  Result<size_t> Advance(std::string_view input);

  // Bytes of the current chunk that are still to come.
  uint64_t data_left_bytes() const { return data_left_bytes_; }
  // Notes that `size_bytes` of them were taken; at most data_left_bytes().
  void TakeData(uint64_t size_bytes);
  bool is_done() const { return state_ == State::kDone; }
  // The last chunk's header was read, and the lines that follow it were not all.
  bool is_in_trailers() const { return state_ == State::kTrailer; }

  // How many chunk headers were read, the last one (of size 0) included.
  uint64_t chunk_count() const { return chunk_count_; }
  // What followed the newest chunk's size: "chunk-signature=…"; empty without an extension.
  const std::string& extension() const { return extension_; }
  // Complete once is_done().
  const HttpHeaders& trailers() const { return trailers_; }

 private:
  enum class State : uint8_t { kSize, kData, kDataEnd, kTrailer, kDone };

  Status EndLine();
  Status ReadSize();
  Status ReadTrailer();

  State state_ = State::kSize;
  std::string line_;
  uint64_t data_left_bytes_ = 0;
  uint64_t chunk_count_ = 0;
  size_t trailer_bytes_ = 0;
  std::string extension_;
  HttpHeaders trailers_;
};

}  // namespace headrace::net
