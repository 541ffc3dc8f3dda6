// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/session_keys.h"

#include <string>

#include <gtest/gtest.h>

#include "headrace/gateway/s3_failure.h"
#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

const SessionClaims kClaims{.user_access_key_id = "USER/1",
                            .bucket = "bucket",
                            .reads_only = true,
                            .expires_at = SystemTime(std::chrono::seconds(1'800'000'000))};

// The S3 code of a refusal, or "".
std::string RefusalOf(const SessionKeys& maker, const std::string& token,
                      std::string_view user_secret = "secret") {
  const auto claims = SessionKeys::Read(token);
  if (!claims) return S3CodeOf(claims.error());
  const auto keys = maker.Verify(token, *claims, user_secret);
  return keys ? "" : S3CodeOf(keys.error());
}

TEST(SessionKeys, ATokenCarriesItsClaims) {
  const SessionKeys maker;
  const s3::AccessKeys keys = maker.Make(kClaims, "secret");
  const SessionClaims read = SessionKeys::Read(keys.session_token).value();
  EXPECT_EQ(read.user_access_key_id, "USER/1");
  EXPECT_EQ(read.bucket, "bucket");
  EXPECT_TRUE(read.reads_only);
  EXPECT_EQ(read.expires_at, kClaims.expires_at);
  EXPECT_EQ(maker.Verify(keys.session_token, read, "secret").value(), keys);
}

TEST(SessionKeys, OnlyTheProcessAndTheSecretThatMadeATokenTakeIt) {
  const SessionKeys maker;
  const std::string token = maker.Make(kClaims, "secret").session_token;
  EXPECT_EQ(RefusalOf(maker, token), "");
  EXPECT_EQ(RefusalOf(maker, token, "rotated"), "InvalidToken");
  EXPECT_EQ(RefusalOf(SessionKeys(), token), "InvalidToken");
}

TEST(SessionKeys, AChangedTokenIsRefused) {
  const SessionKeys maker;
  const std::string token = maker.Make(kClaims, "secret").session_token;
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = changed[i] == '0' ? '1' : '0';
    EXPECT_EQ(RefusalOf(maker, changed), "InvalidToken") << i;
  }
  for (const char* const text : {"", "hrs1.", "hrs1.zz.00", "hrs1.61", "hrs1.0a0a0a39", "other"}) {
    EXPECT_EQ(RefusalOf(maker, text), "InvalidToken") << text;
  }
  EXPECT_EQ(RefusalOf(maker, token + "0"), "InvalidToken");
}

}  // namespace
}  // namespace headrace::gateway
