// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/checksum.h"

#include <string>

#include <gtest/gtest.h>

#include "headrace/base/crc.h"
#include "headrace/base/encoding.h"
#include "headrace/base/random.h"

namespace headrace {
namespace {

// The published check values: the CRC of the nine digits "123456789".
TEST(Crc, MatchesPublishedCheckValues) {
  const auto digits = AsBytes("123456789");
  EXPECT_EQ(Crc32(digits), 0xCBF43926U);
  EXPECT_EQ(Crc32c(digits), 0xE3069283U);
  EXPECT_EQ(Crc64Nvme(digits), 0xAE8B14860A799888U);
}

TEST(Crc, PiecesAndCombinationsEqualTheWhole) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(seed);
  Random random(seed);
  for (int round = 0; round < 50; ++round) {
    std::string text(random.Below(1000), '\0');
    for (char& c : text) c = static_cast<char>(random.Next());
    const size_t cut = random.Below(text.size() + 1);
    const auto a = AsBytes(text).first(cut);
    const auto b = AsBytes(text).subspan(cut);
    EXPECT_EQ(Crc32(b, Crc32(a)), Crc32(AsBytes(text)));
    EXPECT_EQ(Crc32c(b, Crc32c(a)), Crc32c(AsBytes(text)));
    EXPECT_EQ(Crc64Nvme(b, Crc64Nvme(a)), Crc64Nvme(AsBytes(text)));
    EXPECT_EQ(CombineCrc32(Crc32(a), Crc32(b), b.size()), Crc32(AsBytes(text)));
    EXPECT_EQ(CombineCrc32c(Crc32c(a), Crc32c(b), b.size()), Crc32c(AsBytes(text)));
    EXPECT_EQ(CombineCrc64Nvme(Crc64Nvme(a), Crc64Nvme(b), b.size()), Crc64Nvme(AsBytes(text)));
  }
}

// Bit by bit, as the definition says: slow and obviously right.
template <typename Word>
Word SlowCrc(std::span<const std::byte> bytes, Word reflected_polynomial) {
  Word crc = ~Word{0};
  for (const std::byte b : bytes) {
    crc ^= std::to_integer<Word>(b);
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? reflected_polynomial : 0);
    }
  }
  return ~crc;
}

TEST(Crc, EveryLengthAgreesWithTheBitwiseDefinition) {
  std::string text;
  for (size_t size = 0; size < 400; ++size) {
    const auto bytes = AsBytes(text);
    ASSERT_EQ(Crc32(bytes), SlowCrc<uint32_t>(bytes, 0xEDB88320U)) << size;
    ASSERT_EQ(Crc32c(bytes), SlowCrc<uint32_t>(bytes, 0x82F63B78U)) << size;
    ASSERT_EQ(Crc64Nvme(bytes), SlowCrc<uint64_t>(bytes, 0x9A6C9329AC4BC9B5U)) << size;
    text.push_back(static_cast<char>(size * 73 + 11));
  }
}

TEST(Checksum, IsBase64OfTheBigEndianValue) {
  EXPECT_EQ(ChecksumOf(ChecksumAlgorithm::kCrc32c, AsBytes("123456789")).value, "4waSgw==");
  EXPECT_EQ(ChecksumOf(ChecksumAlgorithm::kSha1, AsBytes("")).value,
            "2jmj7l5rSw0yVb/vlWAYkK/YBwk=");
}

TEST(Checksum, NamesParseInAnyCase) {
  EXPECT_EQ(ParseChecksumAlgorithm("crc64NVME"), ChecksumAlgorithm::kCrc64Nvme);
  EXPECT_EQ(ParseChecksumAlgorithm("crc16"), std::nullopt);
}

TEST(Checksum, OfACrcIsTheChecksumOfItsBytes) {
  const auto digits = AsBytes("123456789");
  EXPECT_EQ(ChecksumFromCrc(ChecksumAlgorithm::kCrc32, Crc32(digits)),
            ChecksumOf(ChecksumAlgorithm::kCrc32, digits));
  EXPECT_EQ(ChecksumFromCrc(ChecksumAlgorithm::kCrc32c, Crc32c(digits)),
            ChecksumOf(ChecksumAlgorithm::kCrc32c, digits));
  const Checksum wide = ChecksumFromCrc(ChecksumAlgorithm::kCrc64Nvme, 0xAE8B14860A799888U);
  EXPECT_EQ(wide, ChecksumOf(ChecksumAlgorithm::kCrc64Nvme, digits));
  EXPECT_EQ(wide.value, "rosUhgp5mIg=");
}

}  // namespace
}  // namespace headrace
