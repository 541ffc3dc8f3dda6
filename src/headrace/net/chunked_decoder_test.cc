// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/chunked_decoder.h"

#include <array>
#include <string>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "testing/result_matchers.h"

namespace headrace::net {
namespace {

using headrace::testing::HasCode;

// Decodes `text` given in pieces of `piece` bytes into a target of `room` bytes a call.
Result<std::string> DecodeInPieces(const std::string& text, size_t piece, size_t room) {
  ChunkedDecoder decoder;
  std::string decoded;
  std::string target(room, '\0');
  for (size_t at = 0; at < text.size() && !decoder.is_done();) {
    const std::span<const char> input(text.data() + at, std::min(piece, text.size() - at));
    HR_TRY_ASSIGN(const auto step,
                  decoder.Decode(input, std::as_writable_bytes(std::span(target))));
    decoded += target.substr(0, step.produced);
    at += step.consumed;
  }
  if (!decoder.is_done()) return Fail(ErrorCode::kUnavailable, "not done");
  return decoded;
}

TEST(ChunkedDecoder, SplitAnywhereItGivesTheSameBytes) {
  const std::string text = "a;name=value\r\n0123456789\r\n1\r\nx\r\n0\r\nX-A: 1\r\n\r\n";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    for (const size_t room : {1, 3, 100}) {
      EXPECT_EQ(DecodeInPieces(text, piece, room), "0123456789x") << piece << " " << room;
    }
  }
}

TEST(ChunkedDecoder, RefusesWhatIsNotChunked) {
  for (const char* text :
       {"xyz\r\n", "\r\n", "5\r\nabcdefg\r\n0\r\n\r\n", "-1\r\n", "1000000000000000000\r\n"}) {
    EXPECT_THAT(DecodeInPieces(text, 100, 100), HasCode(ErrorCode::kCorrupt)) << text;
  }
  EXPECT_THAT(DecodeInPieces(std::string(5000, '1'), 100, 100), HasCode(ErrorCode::kCorrupt));
}

TEST(ChunkedDecoder, KeepsTheTrailer) {
  ChunkedDecoder decoder;
  const std::string text = "0\r\nx-amz-checksum-crc32c: abc\r\n\r\n";
  std::array<std::byte, 1> target{};
  ASSERT_TRUE(decoder.Decode(text, target).has_value());
  EXPECT_TRUE(decoder.is_done());
  EXPECT_EQ(decoder.trailer(), "x-amz-checksum-crc32c: abc\n");
}

}  // namespace
}  // namespace headrace::net
