// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/chunked_decoder.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "headrace/base/text.h"

namespace headrace::net {
namespace {

// The size at the start of a chunk line; nothing when it is not 1 to 15 hexadecimal digits.
std::optional<uint64_t> ParseSize(std::string_view line) {
  const size_t end = line.find_first_of("; \t");
  const std::string_view digits = line.substr(0, end);
  if (digits.empty() || digits.size() > 15) return std::nullopt;
  uint64_t value = 0;
  for (const char c : digits) {
    const int digit = HexDigitValue(c);
    if (digit < 0) return std::nullopt;
    value = value * 16 + static_cast<uint64_t>(digit);
  }
  return value;
}

}  // namespace

Result<bool> ChunkedDecoder::TakeLine(std::span<const char>& input) {
  const auto end = std::find(input.begin(), input.end(), '\n');
  line_.append(input.begin(), end);
  if (line_.size() > kLineBytesMax) return Fail(ErrorCode::kCorrupt, "chunk line is too long");
  const bool is_whole = end != input.end();
  input = input.subspan(static_cast<size_t>(end - input.begin()) + (is_whole ? 1 : 0));
  if (is_whole && !line_.empty() && line_.back() == '\r') line_.pop_back();
  return is_whole;
}

Status ChunkedDecoder::EndLine() {
  switch (state_) {
    case State::kSize: {
      const auto size = ParseSize(line_);
      if (!size) return Fail(ErrorCode::kCorrupt, "malformed chunk size");
      left_ = *size;
      state_ = left_ == 0 ? State::kTrailer : State::kData;
      break;
    }
    case State::kDataEnd:
      if (!line_.empty()) return Fail(ErrorCode::kCorrupt, "chunk is longer than its size says");
      state_ = State::kSize;
      break;
    case State::kTrailer:
      if (line_.empty()) {
        state_ = State::kDone;
      } else {
        trailer_ += line_ + '\n';
        if (trailer_.size() > kTrailerBytesMax) {
          return Fail(ErrorCode::kCorrupt, "chunked trailer is too long");
        }
      }
      break;
    case State::kData:
    case State::kDone:
      HR_CHECK(false);
  }
  line_.clear();
  return Ok();
}

Result<ChunkedDecoder::Step> ChunkedDecoder::Decode(std::span<const char> input,
                                                    std::span<std::byte> output) {
  const size_t input_size = input.size();
  size_t produced = 0;
  while (!input.empty() && state_ != State::kDone) {
    if (state_ == State::kData) {
      const auto count =
          static_cast<size_t>(std::min<uint64_t>({left_, input.size(), output.size() - produced}));
      if (count == 0) break;
      std::memcpy(output.data() + produced, input.data(), count);
      input = input.subspan(count);
      produced += count;
      SkipData(count);
      continue;
    }
    HR_TRY_ASSIGN(const bool is_whole, TakeLine(input));
    if (is_whole) HR_TRY(EndLine());
  }
  return Step{.consumed = input_size - input.size(), .produced = produced};
}

void ChunkedDecoder::SkipData(uint64_t count) {
  HR_CHECK(count <= chunk_bytes_left());
  left_ -= count;
  if (left_ == 0) state_ = State::kDataEnd;
}

}  // namespace headrace::net
