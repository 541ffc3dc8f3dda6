// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/line_index.h"

#include <cstring>

#include <fmt/format.h>

namespace headrace::plan {

Status LineIndex::Add(std::span<const std::byte> piece) {
  while (!piece.empty()) {
    const auto* newline =
        static_cast<const std::byte*>(std::memchr(piece.data(), '\n', piece.size()));
    const size_t size =
        newline == nullptr ? piece.size() : static_cast<size_t>(newline - piece.data());
    if (size > 0) {
      position_ += size;
      last_ = piece[size - 1];
      HR_TRY(CheckLength(position_ - line_begin_));
    }
    if (newline == nullptr) return Ok();
    HR_TRY(EndLine());
    piece = piece.subspan(size + 1);
    line_begin_ = ++position_;
    ++line_number_;
  }
  return Ok();
}

Status LineIndex::Finish() {
  HR_TRY(EndLine());
  line_begin_ = position_;
  begins_.shrink_to_fit();
  return Ok();
}

Status LineIndex::CheckLength(uint64_t size_bytes) const {
  if (position_ >> (8 * kOffsetBytes) != 0) {
    return Fail(ErrorCode::kResourceExhausted, "the text is longer than 1 TiB");
  }
  if (size_bytes <= options_.line_bytes_max) return Ok();
  return Fail(ErrorCode::kResourceExhausted,
              fmt::format("line {}: it is longer than {} bytes; write one JSON object a line",
                          line_number_, options_.line_bytes_max));
}

// The line is what stands between `line_begin_` and `position_`.
Status LineIndex::EndLine() {
  const uint64_t size_bytes = position_ - line_begin_;
  if (size_bytes == 0 || (size_bytes == 1 && last_ == std::byte{'\r'})) return Ok();
  if (begins_.size() >= options_.line_count_max) {
    return Fail(ErrorCode::kResourceExhausted,
                fmt::format("line {}: it has more than {} lines; split it into channels",
                            line_number_, options_.line_count_max));
  }
  std::array<uint8_t, kOffsetBytes>& begin = begins_.emplace_back();
  for (size_t i = 0; i < kOffsetBytes; ++i) {
    begin[i] = static_cast<uint8_t>(line_begin_ >> (8 * i));
  }
  return Ok();
}

uint64_t LineIndex::BeginOf(uint64_t index) const {
  HR_CHECK(index < begins_.size());
  uint64_t begin = 0;
  for (size_t i = 0; i < kOffsetBytes; ++i) begin |= uint64_t{begins_[index][i]} << (8 * i);
  return begin;
}

}  // namespace headrace::plan
