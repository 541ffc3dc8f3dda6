// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/gzip_encoder.h"

#include <zlib.h>

#include "headrace/base/error.h"
#include "headrace/format/zlib_stream.h"

namespace headrace::format {
namespace {

constexpr int kMemoryLevel = 8;  // zlib's default.

}  // namespace

struct GzipEncoder::State {
  z_stream stream{};
};

GzipEncoder::GzipEncoder(int level) : state_(std::make_unique<State>()) {
  HR_CHECK(deflateInit2(&state_->stream, level, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                        Z_DEFAULT_STRATEGY) == Z_OK);
}

GzipEncoder::~GzipEncoder() { deflateEnd(&state_->stream); }

GzipEncoder::Step GzipEncoder::Encode(std::span<const std::byte> input, std::span<std::byte> target,
                                      bool is_last) {
  z_stream& stream = state_->stream;
  const uInt input_bytes = Bounded(input.size());
  const uInt target_bytes = Bounded(target.size());
  // zlib's interface predates const; it does not write to its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(input.data()));
  stream.avail_in = input_bytes;
  stream.next_out = reinterpret_cast<Bytef*>(target.data());
  stream.avail_out = target_bytes;
  const bool ends = is_last && input_bytes == input.size();
  const int result = deflate(&stream, ends ? Z_FINISH : Z_NO_FLUSH);
  // Z_BUF_ERROR: nothing could be done for lack of input or room; not an error.
  HR_CHECK(result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR);
  return {.taken_bytes = input_bytes - stream.avail_in,
          .given_bytes = target_bytes - stream.avail_out,
          .is_finished = result == Z_STREAM_END};
}

}  // namespace headrace::format
