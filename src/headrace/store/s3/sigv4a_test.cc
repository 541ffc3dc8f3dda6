// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/sigv4a.h"

#include <memory>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"

namespace headrace::s3 {
namespace {

// The derivation's published example: these keys make this public point.
TEST(SigV4a, DerivesTheKeyOfThePublishedExample) {
  const P256Key key =
      DeriveSigV4aKey("AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom");
  EXPECT_EQ(HexEncode(key.PublicPoint()),
            "04"
            "15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb"
            "0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0");
}

TEST(SigV4a, VerifiesItsOwnSignaturesAndNoOthers) {
  const P256Key key = DeriveSigV4aKey("USER", "secret");
  const std::string signature = SignSigV4a(key, "text");
  EXPECT_TRUE(VerifySigV4a(key, "text", signature));
  EXPECT_TRUE(VerifySigV4a(key, "text", signature + "****"));
  EXPECT_FALSE(VerifySigV4a(key, "other", signature));
  EXPECT_FALSE(VerifySigV4a(DeriveSigV4aKey("USER", "other"), "text", signature));
  EXPECT_FALSE(VerifySigV4a(DeriveSigV4aKey("OTHER", "secret"), "text", signature));
  for (const std::string& broken : {std::string(), std::string("zz"), signature.substr(2),
                                    signature.substr(0, 60), std::string(64, '0')}) {
    EXPECT_FALSE(VerifySigV4a(key, "text", broken)) << broken;
  }
}

TEST(SigV4a, TheKeyCacheGivesTheSameKeysAgain) {
  SigV4aKeyCache cache;
  const AccessKeys keys{.access_key_id = "USER", .secret_access_key = "secret"};
  const auto first = cache.KeyFor(keys);
  EXPECT_EQ(cache.KeyFor(keys), first);
  for (int i = 0; i < 40; ++i) {
    const AccessKeys other{.access_key_id = "USER" + std::to_string(i),
                           .secret_access_key = "secret"};
    EXPECT_NE(cache.KeyFor(other)->PublicPoint(), first->PublicPoint());
  }
  EXPECT_EQ(cache.KeyFor(keys)->PublicPoint(), first->PublicPoint());
}

TEST(SigV4a, AChainOfChunksGoesOnFromSignaturesWithoutTheirFilling) {
  const auto key = std::make_shared<const P256Key>(DeriveSigV4aKey("USER", "secret"));
  ChunkSignatures chain(key, "20261001T120000Z", "20261001/s3/aws4_request", "5eed**");
  const Sha256Digest digest = Sha256("chunk");
  const std::string first = SignSigV4a(
      *key, "AWS4-ECDSA-P256-SHA256-PAYLOAD\n20261001T120000Z\n20261001/s3/aws4_request\n5eed\n" +
                std::string(kEmptySha256) + "\n" + HexEncode(digest));
  EXPECT_TRUE(chain.CheckChunk(digest, first + "**"));
  const std::string trailers = "x-amz-checksum-crc32:AAAAAA==\n";
  const std::string second = SignSigV4a(
      *key, "AWS4-ECDSA-P256-SHA256-TRAILER\n20261001T120000Z\n20261001/s3/aws4_request\n" + first +
                "\n" + HexEncode(Sha256(trailers)));
  ChunkSignatures other = chain;
  EXPECT_TRUE(chain.CheckTrailer(trailers, second));
  EXPECT_FALSE(other.CheckTrailer("x-amz-checksum-crc32:BBBBBB==\n", second));
}

}  // namespace
}  // namespace headrace::s3
