// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/gzip_decoder.h"

#include <array>
#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "testing/gzip.h"

namespace headrace::format {
namespace {

using testing::Gzip;

Result<std::string> Gunzip(std::string_view zipped, size_t piece_bytes, size_t room_bytes) {
  GzipDecoder decoder;
  std::string out;
  std::string room(room_bytes, '\0');
  while (!zipped.empty()) {
    std::string_view piece = zipped.substr(0, piece_bytes);
    zipped.remove_prefix(piece.size());
    while (true) {
      HR_TRY_ASSIGN(const auto step,
                    decoder.Decode(AsBytes(piece), std::as_writable_bytes(std::span(room))));
      piece.remove_prefix(step.taken_bytes);
      out.append(room, 0, step.given_bytes);
      if (step.given_bytes < room.size() && piece.empty()) break;
    }
  }
  HR_TRY(decoder.Finish());
  return out;
}

TEST(GzipDecoder, InflatesAllMembersHoweverTheyAreCut) {
  std::string text;
  for (int i = 0; i < 2000; ++i) text += fmt::format("line {}\n", i * i);
  const std::string zipped = Gzip(text) + Gzip("") + Gzip("tail") + std::string(600, '\0');
  for (const size_t piece_bytes : {1U, 7U, 1000U, 1'000'000U}) {
    for (const size_t room_bytes : {1U, 300U, 1'000'000U}) {
      const auto back = Gunzip(zipped, piece_bytes, room_bytes);
      ASSERT_TRUE(back.has_value()) << back.error().message();
      EXPECT_EQ(*back, text + "tail");
    }
  }
}

TEST(GzipDecoder, GivesAllOfALongMatchInASmallTarget) {
  const std::string zeros(100'000, 'z');
  const auto back = Gunzip(Gzip(zeros), 1'000'000, 10);
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_EQ(*back, zeros);
}

TEST(GzipDecoder, FailsOnACutAtEveryByte) {
  const std::string zipped = Gzip("some text to compress");
  for (size_t length = 0; length < zipped.size(); ++length) {
    EXPECT_FALSE(Gunzip(zipped.substr(0, length), 100, 100).has_value()) << length;
  }
}

TEST(GzipDecoder, NamesTheDamagedMember) {
  std::string second = Gzip("some text to compress");
  second[second.size() - 6] = static_cast<char>(second[second.size() - 6] ^ 1);  // Its CRC.
  const auto back = Gunzip(Gzip("fine") + second, 10, 100);
  ASSERT_FALSE(back.has_value());
  EXPECT_EQ(back.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(back.error().message(), ::testing::HasSubstr("member 2"));
}

TEST(GzipDecoder, GivesAllThatStandsBeforeDamage) {
  std::string damaged = Gzip("some text to compress");
  damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
  for (const std::string& zipped : {Gzip("fine, ") + damaged, Gzip("fine") + "garbage"}) {
    GzipDecoder decoder;
    std::string room(100, '\0');
    const auto target = std::as_writable_bytes(std::span(room));
    const auto step = decoder.Decode(AsBytes(zipped), target);
    ASSERT_TRUE(step.has_value());
    EXPECT_THAT(room.substr(0, step->given_bytes),
                ::testing::AnyOf("fine", "fine, some text to compress"));
    EXPECT_FALSE(decoder.Decode({}, target).has_value());
    EXPECT_FALSE(decoder.Finish().has_value());
  }
}

TEST(GzipDecoder, RefusesOtherBytesAfterTheLastMember) {
  EXPECT_FALSE(Gunzip(Gzip("a") + "garbage", 1000, 100).has_value());
  EXPECT_FALSE(Gunzip(Gzip("a") + std::string("\0x", 2), 1000, 100).has_value());
  EXPECT_FALSE(Gunzip("plain text", 1000, 100).has_value());
}

}  // namespace
}  // namespace headrace::format
