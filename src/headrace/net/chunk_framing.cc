// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/chunk_framing.h"

#include <algorithm>

#include "headrace/base/text.h"
#include "headrace/net/field_text.h"

namespace headrace::net {

Result<size_t> ChunkFraming::Advance(std::string_view input) {
  size_t taken = 0;
  while (taken < input.size() && state_ != State::kData && state_ != State::kDone) {
    const std::string_view rest = input.substr(taken);
    const size_t newline = rest.find('\n');
    const size_t piece = newline == std::string_view::npos ? rest.size() : newline + 1;
    if (line_.size() + piece > kLineBytesMax) {
      return Fail(ErrorCode::kCorrupt, "a line of the chunked body is too long");
    }
    line_.append(rest.substr(0, piece));
    taken += piece;
    if (newline != std::string_view::npos) HR_TRY(EndLine());
  }
  return taken;
}

void ChunkFraming::TakeData(uint64_t size_bytes) {
  HR_CHECK(size_bytes <= data_left_bytes_);
  data_left_bytes_ -= size_bytes;
  if (data_left_bytes_ == 0 && state_ == State::kData) state_ = State::kDataEnd;
}

Status ChunkFraming::EndLine() {
  if (line_.size() < 2 || line_[line_.size() - 2] != '\r') {
    return Fail(ErrorCode::kCorrupt, "a line of the chunked body does not end with CRLF");
  }
  line_.resize(line_.size() - 2);
  if (std::ranges::any_of(line_, IsControlCharacter)) {
    return Fail(ErrorCode::kCorrupt, "a line of the chunked body has a control character in it");
  }
  Status status;
  if (state_ == State::kSize) {
    status = ReadSize();
  } else if (state_ == State::kTrailer) {
    status = ReadTrailer();
  } else if (line_.empty()) {
    state_ = State::kSize;
  } else {
    status = Fail(ErrorCode::kCorrupt, "a chunk is longer than its header says");
  }
  line_.clear();
  return status;
}

Status ChunkFraming::ReadSize() {
  const size_t semicolon = line_.find(';');
  std::string_view digits = std::string_view(line_).substr(0, semicolon);
  // Blanks may stand between the size and an extension, and nowhere else.
  while (semicolon != std::string::npos && (digits.ends_with(' ') || digits.ends_with('\t'))) {
    digits.remove_suffix(1);
  }
  // 15 digits keep the sum of sizes far below 2^64.
  if (digits.empty() || digits.size() > 15) {
    return Fail(ErrorCode::kCorrupt, "a chunk's size is not a hexadecimal number");
  }
  uint64_t size_bytes = 0;
  for (const char c : digits) {
    const int digit = HexDigitValue(c);
    if (digit < 0) {
      return Fail(ErrorCode::kCorrupt, "a chunk's size is not a hexadecimal number");
    }
    size_bytes = size_bytes * 16 + static_cast<uint64_t>(digit);
  }
  extension_ = semicolon == std::string::npos ? std::string() : line_.substr(semicolon + 1);
  ++chunk_count_;
  data_left_bytes_ = size_bytes;
  state_ = size_bytes == 0 ? State::kTrailer : State::kData;
  return Ok();
}

Status ChunkFraming::ReadTrailer() {
  if (line_.empty()) {
    state_ = State::kDone;
    return Ok();
  }
  trailer_bytes_ += line_.size();
  const size_t colon = line_.find(':');
  // No blanks before the colon, nor a line that goes on with the one before.
  if (colon == std::string::npos || colon == 0 || line_.find_first_of(" \t") < colon ||
      trailer_bytes_ > kTrailerBytesMax) {
    return Fail(ErrorCode::kCorrupt, "a trailer of the chunked body is malformed");
  }
  std::string name = line_.substr(0, colon);
  std::string value(Trim(std::string_view(line_).substr(colon + 1)));
  trailers_.Add(std::move(name), std::move(value));
  return Ok();
}

}  // namespace headrace::net
