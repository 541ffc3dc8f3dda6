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

// The published values of no bytes: xxHash's own test vectors, RFC 1321 and FIPS 180-4.
TEST(Checksum, EachAlgorithmHasItsPublishedValueOfNothing) {
  const auto of_nothing = [](ChecksumAlgorithm algorithm) {
    return ChecksumOf(algorithm, AsBytes("")).value;
  };
  EXPECT_EQ(of_nothing(ChecksumAlgorithm::kXxhash64), "70bbN1HY6Zk=");
  EXPECT_EQ(of_nothing(ChecksumAlgorithm::kXxhash3), "LQaABTjTlMI=");
  EXPECT_EQ(of_nothing(ChecksumAlgorithm::kXxhash128), "maoG0wFHmNhgAcMkRo1Jfw==");
  EXPECT_EQ(of_nothing(ChecksumAlgorithm::kMd5), "1B2M2Y8AsgTpgAmY7PhCfg==");
  EXPECT_EQ(of_nothing(ChecksumAlgorithm::kSha512),
            "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg"
            "==");
}

TEST(Checksum, PiecesEqualTheWholeAndSizesAreTold) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i);
  for (const ChecksumAlgorithm algorithm : kChecksumAlgorithms) {
    SCOPED_TRACE(ChecksumName(algorithm));
    RunningChecksum running(algorithm);
    for (size_t at = 0; at < text.size(); at += 77) {
      running.Update(AsBytes(std::string_view(text).substr(at, 77)));
    }
    const Checksum whole = ChecksumOf(algorithm, AsBytes(text));
    EXPECT_EQ(running.Finish(), whole);
    EXPECT_EQ(Base64Decode(whole.value)->size(), ChecksumSizeBytes(algorithm));
    EXPECT_EQ(ParseChecksumAlgorithm(ChecksumHeaderSuffix(algorithm)), algorithm);
  }
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
