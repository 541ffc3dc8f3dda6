// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/encoding.h"

#include <gtest/gtest.h>

#include "headrace/base/digest.h"

namespace headrace {
namespace {

TEST(Encoding, Base64RoundTripsEveryLengthAndRefusesGarbage) {
  std::string text;
  for (int size = 0; size < 20; ++size) {
    EXPECT_EQ(Base64Decode(Base64Encode(AsBytes(text))), text);
    text.push_back(static_cast<char>(250 + size));
  }
  EXPECT_EQ(Base64Encode(AsBytes("any carnal pleas")), "YW55IGNhcm5hbCBwbGVhcw==");
  EXPECT_EQ(Base64Decode("YW5"), std::nullopt);
  EXPECT_EQ(Base64Decode("Y=5="), std::nullopt);
}

TEST(Encoding, UriEncodeFollowsSigV4) {
  EXPECT_EQ(UriEncodePath("a b=+%/\xC3\xA9//..~"), "a%20b%3D%2B%25/%C3%A9//..~");
  EXPECT_EQ(UriEncode("a/b"), "a%2Fb");
  EXPECT_EQ(UriDecode("a%20b+c%2f"), "a b+c/");
  EXPECT_EQ(UriDecode("a+b", true), "a b");
  EXPECT_EQ(UriDecode("a%2"), std::nullopt);
}

TEST(Digest, HmacMatchesRfc4231) {
  EXPECT_EQ(HexEncode(HmacSha256(AsBytes("Jefe"), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  const std::string long_key(131, '\xaa');
  EXPECT_EQ(HexEncode(HmacSha256(AsBytes(long_key),
                                 "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

}  // namespace
}  // namespace headrace
