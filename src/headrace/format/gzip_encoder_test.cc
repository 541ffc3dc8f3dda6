// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/gzip_encoder.h"

#include <zlib.h>

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/base/random.h"

namespace headrace::format {
namespace {

std::string Gunzip(const std::string& packed, size_t size_bytes) {
  std::string text(size_bytes + 1, '\0');
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, MAX_WBITS + 16), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

// Compresses in pieces of `input_step` into targets of `target_step`.
std::string Gzip(std::string_view text, size_t input_step, size_t target_step) {
  GzipEncoder encoder(1);
  std::string packed;
  std::string target(target_step, '\0');
  GzipEncoder::Step step;
  while (!step.is_finished) {
    const std::string_view piece = text.substr(0, input_step);
    step = encoder.Encode(AsBytes(piece), std::as_writable_bytes(std::span(target)),
                          piece.size() == text.size());
    packed += target.substr(0, step.given_bytes);
    text.remove_prefix(step.taken_bytes);
  }
  return packed;
}

TEST(GzipEncoder, GivesTheSameBytesForEveryWayOfCuttingThem) {
  Random random(7);
  std::string text(100'000, '\0');
  for (char& c : text) c = static_cast<char>('a' + random.Below(4));
  const std::string whole = Gzip(text, text.size(), 1 << 20);
  EXPECT_LT(whole.size(), text.size());
  EXPECT_EQ(Gunzip(whole, text.size()), text);
  EXPECT_EQ(Gzip(text, 997, 61), whole);
  EXPECT_EQ(Gunzip(Gzip("", 1, 1), 0), "");
}

}  // namespace
}  // namespace headrace::format
