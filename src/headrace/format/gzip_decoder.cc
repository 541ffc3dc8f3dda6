// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/gzip_decoder.h"

#include <zlib.h>

#include <optional>

#include <fmt/format.h>

#include "headrace/format/zlib_stream.h"

namespace headrace::format {
struct GzipDecoder::State {
  enum class Place : uint8_t { kBetweenMembers, kInMember, kInZeros };

  // Whether the byte after a member is one of the zeros that may end the file; else it must begin
  // the next member.
  Result<bool> PassBetween(std::byte next);
  // Damage goes into `failure`.
  Step Inflate(std::span<const std::byte> input, std::span<std::byte> target);

  z_stream stream{};
  Place place = Place::kBetweenMembers;
  uint64_t members = 0;  // Complete ones.
  std::optional<Error> failure;
};

Result<bool> GzipDecoder::State::PassBetween(std::byte next) {
  if (members > 0 && next == std::byte{0}) {
    place = Place::kInZeros;
    return true;
  }
  if (place == Place::kInZeros) {
    return Fail(ErrorCode::kCorrupt, "bytes that are not gzip follow its last member");
  }
  place = Place::kInMember;
  return false;
}

GzipDecoder::Step GzipDecoder::State::Inflate(std::span<const std::byte> input,
                                              std::span<std::byte> target) {
  const uInt input_bytes = Bounded(input.size());
  const uInt target_bytes = Bounded(target.size());
  // zlib's interface predates const; it does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream.avail_in = input_bytes;
  stream.next_out = reinterpret_cast<Bytef*>(target.data());
  stream.avail_out = target_bytes;
  const int outcome = inflate(&stream, Z_NO_FLUSH);
  const Step step{.taken_bytes = input_bytes - stream.avail_in,
                  .given_bytes = target_bytes - stream.avail_out};
  if (outcome == Z_STREAM_END) {
    ++members;
    place = Place::kBetweenMembers;
    HR_CHECK(inflateReset(&stream) == Z_OK);
  } else if (outcome != Z_OK && outcome != Z_BUF_ERROR) {
    // Z_BUF_ERROR: nothing could be done for lack of input or room; not an error.
    failure = Error(ErrorCode::kCorrupt,
                    fmt::format("gzip member {} is damaged: {}", members + 1,
                                stream.msg != nullptr ? stream.msg : "it breaks the format"));
  }
  return step;
}

GzipDecoder::GzipDecoder() : state_(std::make_unique<State>()) {
  HR_CHECK(inflateInit2(&state_->stream, kGzipWindowBits) == Z_OK);
}

GzipDecoder::~GzipDecoder() { inflateEnd(&state_->stream); }

Result<GzipDecoder::Step> GzipDecoder::Decode(std::span<const std::byte> input,
                                              std::span<std::byte> target) {
  Step step;
  while (!state_->failure) {
    const auto rest = input.subspan(step.taken_bytes);
    if (state_->place != State::Place::kInMember) {
      if (rest.empty()) return step;
      const Result<bool> is_zero = state_->PassBetween(rest.front());
      if (!is_zero) {
        state_->failure = is_zero.error();
        break;
      }
      if (*is_zero) {
        ++step.taken_bytes;
        continue;
      }
    }
    const auto room = target.subspan(step.given_bytes);
    if (room.empty()) return step;
    const Step inflated = state_->Inflate(rest, room);
    step.taken_bytes += inflated.taken_bytes;
    step.given_bytes += inflated.given_bytes;
    if (!state_->failure && inflated.taken_bytes == 0 && inflated.given_bytes == 0) return step;
  }
  // What was given stands before the damage.
  if (step.given_bytes > 0) return step;
  return std::unexpected(*state_->failure);
}

Status GzipDecoder::Finish() const {
  if (state_->failure) return std::unexpected(*state_->failure);
  if (state_->place == State::Place::kInMember) {
    return Fail(ErrorCode::kCorrupt,
                fmt::format("gzip member {} is cut short", state_->members + 1));
  }
  if (state_->members == 0) return Fail(ErrorCode::kCorrupt, "no gzip data");
  return Ok();
}

}  // namespace headrace::format
