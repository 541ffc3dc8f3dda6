// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/authenticator.h"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/gateway/s3_failure.h"
#include "headrace/store/s3/sigv4a.h"
#include "testing/manual_clock.h"
#include "testing/result_matchers.h"

namespace headrace::gateway {
namespace {

using headrace::testing::IsOk;
using headrace::testing::ManualClock;
using std::chrono::minutes;

constexpr std::string_view kUsersFile = R"(
[[user]]
access_key = "READER"
secret_key = "read-secret"
read = ["data"]

[[user]]
access_key = "TOKEN"
secret_key = "token-secret"
session_token = "the-token"
read = ["data"]

[anonymous]
read = ["public"]
)";

const s3::AccessKeys kOwner{.access_key_id = "OWNER", .secret_access_key = "secret"};
const s3::AccessKeys kReader{.access_key_id = "READER", .secret_access_key = "read-secret"};

class AuthenticatorTest : public ::testing::Test {
 protected:
  AuthenticatorTest() {
    EXPECT_THAT(authenticator_.ReplaceUsers(Users::Parse(kUsersFile, "users.toml").value()),
                IsOk());
  }

  // A GET of /data/k signed by `keys`, `ago` before now.
  net::HttpRequestHead Signed(const s3::AccessKeys& keys, minutes ago = minutes(0),
                              std::string_view region = "us-east-1",
                              std::string_view service = "s3") {
    net::HttpRequestHead head{.method = "GET", .target = "/data/k"};
    const SystemTime time = clock_.WallNow() - ago;
    s3::SignHeaders(
        {.method = "GET",
         .host = "h",
         .path = "/data/k",
         .query = "",
         .payload_hash = s3::kUnsignedPayload},
        {.keys = keys, .region = region, .time = time, .cache = signing_keys_, .service = service},
        head.headers);
    if (!head.headers.Find("x-amz-content-sha256")) {
      head.headers.Add("x-amz-content-sha256", std::string(s3::kUnsignedPayload));
    }
    head.headers.Add("Host", "h");
    return head;
  }
  net::HttpRequestHead Presigned(const s3::AccessKeys& keys, minutes ago,
                                 std::chrono::seconds lifetime) {
    const std::string query = s3::PresignQuery({.method = "GET",
                                                .host = "h",
                                                .path = "/data/k",
                                                .query = "",
                                                .payload_hash = s3::kUnsignedPayload},
                                               {.keys = keys,
                                                .region = "us-east-1",
                                                .time = clock_.WallNow() - ago,
                                                .cache = signing_keys_},
                                               lifetime);
    net::HttpRequestHead head{.method = "GET", .target = "/data/k?" + query};
    head.headers.Add("Host", "h");
    return head;
  }
  // As SigV4A signs: host, date, content hash and region set.
  net::HttpRequestHead SignedAsymmetrically(const s3::AccessKeys& keys) {
    const std::string timestamp = s3::FormatAmzDate(clock_.WallNow());
    net::HttpRequestHead head{.method = "GET", .target = "/data/k"};
    head.headers.Add("Host", "h");
    head.headers.Add("x-amz-date", timestamp);
    head.headers.Add("x-amz-content-sha256", std::string(s3::kUnsignedPayload));
    head.headers.Add("x-amz-region-set", "*");
    s3::ParsedSignature parsed{.timestamp = timestamp,
                               .signed_names =
                                   "host;x-amz-content-sha256;x-amz-date;"
                                   "x-amz-region-set",
                               .payload_hash = std::string(s3::kUnsignedPayload)};
    parsed.is_asymmetric = true;
    parsed.scope = {.date = timestamp.substr(0, 8), .region = ""};
    const P256Key key = s3::DeriveSigV4aKey(keys.access_key_id, keys.secret_access_key);
    const std::string signature = s3::SignSigV4a(key, s3::SigV4aStringToSign(head, parsed).value());
    head.headers.Add(
        "Authorization",
        fmt::format("{} Credential={}/{}, SignedHeaders={}, Signature={}", s3::kSigV4aAlgorithm,
                    keys.access_key_id, parsed.ScopeText(), parsed.signed_names, signature));
    return head;
  }
  // The S3 code of the refusal; "" when there is none.
  std::string RefusalOf(const net::HttpRequestHead& head) {
    const auto identity = authenticator_.Verify(head);
    return identity ? "" : S3CodeOf(identity.error());
  }

  ManualClock clock_{s3::ParseAmzDate("20261001T120000Z").value()};
  s3::SigningKeyCache signing_keys_;
  Authenticator authenticator_{{.users = {kOwner}}, clock_};
};

TEST_F(AuthenticatorTest, EverySignerHasItsOwnRights) {
  const Identity owner = authenticator_.Verify(Signed(kOwner)).value();
  EXPECT_TRUE(owner.grant.May(Right::kWrite, "anything"));
  const Identity reader = authenticator_.Verify(Signed(kReader)).value();
  EXPECT_TRUE(reader.grant.May(Right::kRead, "data"));
  EXPECT_FALSE(reader.grant.May(Right::kWrite, "data"));
  const Identity anyone = authenticator_.Verify({.method = "GET", .target = "/public/k"}).value();
  EXPECT_TRUE(anyone.grant.is_anonymous());
  EXPECT_TRUE(anyone.grant.May(Right::kRead, "public"));
  EXPECT_FALSE(anyone.grant.May(Right::kRead, "data"));
}

TEST_F(AuthenticatorTest, RefusesWithS3sOwnCodes) {
  const s3::AccessKeys wrong{.access_key_id = "READER", .secret_access_key = "other"};
  const s3::AccessKeys unknown{.access_key_id = "NOBODY", .secret_access_key = "x"};
  EXPECT_EQ(RefusalOf(Signed(kReader)), "");
  EXPECT_EQ(RefusalOf(Signed(wrong)), "SignatureDoesNotMatch");
  EXPECT_EQ(RefusalOf(Signed(unknown)), "InvalidAccessKeyId");
  EXPECT_EQ(RefusalOf(Signed(kReader, minutes(15))), "");
  EXPECT_EQ(RefusalOf(Signed(kReader, minutes(16))), "RequestTimeTooSkewed");
  EXPECT_EQ(RefusalOf(Signed(kReader, minutes(-16))), "RequestTimeTooSkewed");
  EXPECT_EQ(RefusalOf(Signed(kReader, minutes(0), "eu-west-3")), "");
  EXPECT_EQ(RefusalOf(Signed(kReader, minutes(0), "")), "AuthorizationHeaderMalformed");
  EXPECT_EQ(RefusalOf(Signed(kReader, minutes(0), "us-east-1", "ec2")),
            "AuthorizationHeaderMalformed");
  net::HttpRequestHead garbage{.method = "GET", .target = "/data/k"};
  garbage.headers.Add("Authorization", "Bearer abc");
  EXPECT_EQ(RefusalOf(garbage), "AuthorizationHeaderMalformed");
}

TEST_F(AuthenticatorTest, PresignedUrlsEnd) {
  using std::chrono::hours;
  EXPECT_EQ(RefusalOf(Presigned(kReader, minutes(59), hours(1))), "");
  EXPECT_EQ(RefusalOf(Presigned(kReader, minutes(61), hours(1))), "AccessDenied");
  EXPECT_EQ(RefusalOf(Presigned(kReader, minutes(0), hours(7 * 24))), "");
  EXPECT_EQ(RefusalOf(Presigned(kReader, minutes(0), hours(7 * 24 + 1))),
            "AuthorizationQueryParametersError");
  EXPECT_EQ(RefusalOf(Presigned(kReader, minutes(-16), hours(1))), "RequestTimeTooSkewed");
}

TEST_F(AuthenticatorTest, SignatureVersion2IsRefusedByName) {
  net::HttpRequestHead header{.method = "GET", .target = "/data/k"};
  header.headers.Add("Authorization", "AWS READER:c2lnbmF0dXJl");
  const net::HttpRequestHead query{.method = "GET",
                                   .target = "/data/k?Expires=1&AWSAccessKeyId=READER&Signature=x"};
  for (const auto& head : {header, query}) {
    const auto identity = authenticator_.Verify(head);
    ASSERT_FALSE(identity.has_value());
    EXPECT_EQ(S3CodeOf(identity.error()), "InvalidRequest");
    EXPECT_TRUE(identity.error().message().starts_with("Signature Version 2 "));
  }
  EXPECT_EQ(RefusalOf({.method = "GET", .target = "/public/AWSAccessKeyId=1"}), "");
}

TEST_F(AuthenticatorTest, AUserWithASessionTokenMustShowIt) {
  s3::AccessKeys keys{.access_key_id = "TOKEN", .secret_access_key = "token-secret"};
  EXPECT_EQ(RefusalOf(Signed(keys)), "InvalidToken");
  keys.session_token = "another";
  EXPECT_EQ(RefusalOf(Signed(keys)), "InvalidToken");
  keys.session_token = "the-token";
  EXPECT_EQ(RefusalOf(Signed(keys)), "");
  EXPECT_EQ(RefusalOf(Presigned(keys, minutes(0), minutes(5))), "");
  s3::AccessKeys reader = kReader;
  reader.session_token = "whatever";
  EXPECT_EQ(RefusalOf(Signed(reader)), "");
}

TEST_F(AuthenticatorTest, WhatARemovedUserSignedIsGoodForNothing) {
  const auto url = Presigned(kReader, minutes(0), std::chrono::hours(1));
  const Identity running = authenticator_.Verify(url).value();
  ASSERT_THAT(authenticator_.ReplaceUsers(Users()), IsOk());
  EXPECT_EQ(RefusalOf(url), "InvalidAccessKeyId");
  EXPECT_EQ(RefusalOf(Signed(kOwner)), "");
  // A request that is under way goes on under the rules it came in by.
  EXPECT_TRUE(running.grant.May(Right::kRead, "data"));
}

TEST_F(AuthenticatorTest, UsersThatClashWithTheOwnerChangeNothing) {
  const auto clash = Users::Parse("[[user]]\naccess_key=\"OWNER\"\nsecret_key=\"x\"", "f").value();
  EXPECT_FALSE(authenticator_.ReplaceUsers(clash).has_value());
  EXPECT_EQ(RefusalOf(Signed(kReader)), "");
}

TEST_F(AuthenticatorTest, TakesAsymmetricSignatures) {
  EXPECT_EQ(RefusalOf(SignedAsymmetrically(kReader)), "");
  const s3::AccessKeys wrong{.access_key_id = "READER", .secret_access_key = "other"};
  EXPECT_EQ(RefusalOf(SignedAsymmetrically(wrong)), "SignatureDoesNotMatch");
  net::HttpRequestHead moved = SignedAsymmetrically(kReader);
  moved.target = "/data/other";
  EXPECT_EQ(RefusalOf(moved), "SignatureDoesNotMatch");
}

TEST_F(AuthenticatorTest, AHeaderThatTheSignerHasNotSeenIsRefused) {
  net::HttpRequestHead url = Presigned(kReader, minutes(0), std::chrono::hours(1));
  url.headers.Add("Range", "bytes=0-1");
  EXPECT_EQ(RefusalOf(url), "");
  url.headers.Add("X-Amz-Copy-Source", "private/k");
  EXPECT_EQ(RefusalOf(url), "AccessDenied");
  net::HttpRequestHead header = Signed(kReader);
  header.headers.Add("x-amz-acl", "private");
  EXPECT_EQ(RefusalOf(header), "AccessDenied");
}

// Sessions.

TEST_F(AuthenticatorTest, ASessionIsGoodForItsBucketAndItsTime) {
  const Identity owner = authenticator_.Verify(Signed(kOwner)).value();
  const NewSession session = authenticator_.StartSession(owner, "data", true).value();
  const Identity identity = authenticator_.Verify(Signed(session.keys)).value();
  EXPECT_TRUE(identity.grant.May(Right::kRead, "data"));
  EXPECT_FALSE(identity.grant.May(Right::kWrite, "data"));
  EXPECT_FALSE(identity.grant.May(Right::kRead, "other"));
  // It makes no other session, and ends.
  EXPECT_FALSE(authenticator_.StartSession(identity, "data", true).has_value());
  clock_.Advance(minutes(6));
  EXPECT_EQ(RefusalOf(Signed(session.keys)), "ExpiredToken");
}

TEST_F(AuthenticatorTest, ASessionNeedsItsTokenAndItsUser) {
  const Identity reader = authenticator_.Verify(Signed(kReader)).value();
  const NewSession session = authenticator_.StartSession(reader, "data", false).value();
  const Identity identity = authenticator_.Verify(Signed(session.keys)).value();
  EXPECT_FALSE(identity.grant.May(Right::kWrite, "data"));
  s3::AccessKeys keys = session.keys;
  keys.session_token.clear();
  EXPECT_EQ(RefusalOf(Signed(keys)), "InvalidAccessKeyId");
  keys.session_token = session.keys.session_token + "0";
  EXPECT_EQ(RefusalOf(Signed(keys)), "InvalidToken");
  keys = session.keys;
  keys.access_key_id = "OWNER";
  EXPECT_EQ(RefusalOf(Signed(keys)), "InvalidAccessKeyId");
  ASSERT_THAT(authenticator_.ReplaceUsers(Users()), IsOk());
  EXPECT_EQ(RefusalOf(Signed(session.keys)), "InvalidAccessKeyId");
}

TEST_F(AuthenticatorTest, NobodyGetsNoSession) {
  const Identity anyone = authenticator_.Verify({.method = "GET", .target = "/public"}).value();
  EXPECT_FALSE(authenticator_.StartSession(anyone, "public", true).has_value());
}

// Forms.

TEST_F(AuthenticatorTest, AFormsPolicyIsWhatIsSigned) {
  const s3::CredentialScope scope{.date = "20261001", .region = "us-east-1"};
  const std::string signature =
      s3::Signature(s3::DeriveSigningKey("read-secret", scope), "cG9saWN5");
  const std::string credential = "READER/" + scope.Text();
  FormSignature form{.algorithm = s3::kSigV4Algorithm,
                     .credential = credential,
                     .timestamp = "20261001T115900Z",
                     .signature = signature,
                     .session_token = "",
                     .policy = "cG9saWN5"};
  const auto refusal_of = [&](const FormSignature& changed) {
    const auto identity = authenticator_.VerifyForm(changed);
    return identity ? std::string() : S3CodeOf(identity.error());
  };
  EXPECT_EQ(refusal_of(form), "");
  EXPECT_TRUE(authenticator_.VerifyForm(form).value().grant.May(Right::kRead, "data"));
  FormSignature changed = form;
  changed.policy = "b3RoZXI=";
  EXPECT_EQ(refusal_of(changed), "SignatureDoesNotMatch");
  changed = form;
  changed.algorithm = "AWS4-HMAC-SHA1";
  EXPECT_EQ(refusal_of(changed), "InvalidArgument");
  changed = form;
  changed.credential = "READER";
  EXPECT_EQ(refusal_of(changed), "InvalidArgument");
  EXPECT_EQ(refusal_of({}), "AccessDenied");
}

}  // namespace
}  // namespace headrace::gateway
