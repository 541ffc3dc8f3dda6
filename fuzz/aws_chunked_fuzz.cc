// SPDX-License-Identifier: Apache-2.0
// The framing of chunked and aws-chunked bodies: however the bytes are cut into reads, the same
// body comes out, or the same refusal.
#include <algorithm>
#include <optional>
#include <string>

#include "fuzz/fuzz_input.h"
#include "headrace/base/error.h"
#include "headrace/net/chunk_framing.h"

namespace {

struct Outcome {
  bool is_done = false;
  bool is_broken = false;
  std::string data;
  uint64_t chunk_count = 0;
  headrace::net::HttpHeaders trailers;
};

Outcome Decode(std::string_view input, size_t piece_size) {
  headrace::net::ChunkFraming framing;
  Outcome outcome;
  for (size_t at = 0; at < input.size() && !framing.is_done();) {
    const std::string_view piece = input.substr(at, piece_size);
    if (framing.data_left_bytes() > 0) {
      const size_t count = std::min<uint64_t>(piece.size(), framing.data_left_bytes());
      outcome.data.append(piece.substr(0, count));
      framing.TakeData(count);
      at += count;
      continue;
    }
    const auto taken = framing.Advance(piece);
    if (!taken) {
      outcome.is_broken = true;
      break;
    }
    HR_CHECK(*taken > 0 || framing.data_left_bytes() > 0 || framing.is_done());
    at += *taken;
  }
  outcome.is_done = framing.is_done();
  outcome.chunk_count = framing.chunk_count();
  outcome.trailers = framing.trailers();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* bytes, size_t size_bytes) {
  const std::string_view input = headrace::fuzz::TextOf(bytes, size_bytes);
  const Outcome whole = Decode(input, input.size() + 1);
  for (const size_t piece_size : {size_t{1}, size_t{7}}) {
    const Outcome pieces = Decode(input, piece_size);
    HR_CHECK(pieces.is_done == whole.is_done && pieces.is_broken == whole.is_broken);
    HR_CHECK(pieces.data == whole.data && pieces.chunk_count == whole.chunk_count);
    HR_CHECK(pieces.trailers.fields() == whole.trailers.fields());
  }
  return 0;
}
