// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/sigv4.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/base/random.h"

namespace headrace::s3 {
namespace {

using std::chrono::seconds;

// The keys, bucket and date of the examples that AWS publishes for S3 (API reference, "Signature
// Calculations for the Authorization Header").
const AccessKeys kExampleKeys{.access_key_id = "AKIAIOSFODNN7EXAMPLE",
                              .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                              .session_token = ""};
constexpr std::string_view kExampleHost = "examplebucket.s3.amazonaws.com";
constexpr std::string_view kExampleScope = "20130524/us-east-1/s3/aws4_request";

SystemTime ExampleTime() { return ParseAmzDate("20130524T000000Z").value(); }

std::string SignatureIn(const net::HttpHeaders& headers) {
  const std::string_view authorization = headers.Value("Authorization");
  return std::string(authorization.substr(authorization.find("Signature=") + 10));
}

std::string SignedExample(RequestToSign request, net::HttpHeaders headers) {
  SigningKeyCache cache;
  request.host = kExampleHost;
  const Signer signer{
      .keys = kExampleKeys, .region = "us-east-1", .time = ExampleTime(), .cache = cache};
  SignHeaders(request, signer, headers);
  return SignatureIn(headers);
}

TEST(SigV4, SignsThePublishedGetWithARange) {
  net::HttpHeaders headers;
  headers.Add("Range", "bytes=0-9");
  EXPECT_EQ(SignedExample({.method = "GET",
                           .host = {},
                           .path = "/test.txt",
                           .query = {},
                           .payload_hash = kEmptySha256},
                          headers),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(SigV4, SignsThePublishedPut) {
  net::HttpHeaders headers;
  headers.Add("Date", "Fri, 24 May 2013 00:00:00 GMT");
  headers.Add("x-amz-storage-class", "REDUCED_REDUNDANCY");
  const std::string hash = HexEncode(Sha256("Welcome to Amazon S3."));
  EXPECT_EQ(SignedExample({.method = "PUT",
                           .host = {},
                           .path = "/test%24file.text",
                           .query = {},
                           .payload_hash = hash},
                          headers),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
}

TEST(SigV4, SignsThePublishedQueriesWithAndWithoutValues) {
  EXPECT_EQ(SignedExample({.method = "GET",
                           .host = {},
                           .path = "/",
                           .query = "lifecycle",
                           .payload_hash = kEmptySha256},
                          {}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(SignedExample({.method = "GET",
                           .host = {},
                           .path = "/",
                           .query = "prefix=J&max-keys=2",
                           .payload_hash = kEmptySha256},
                          {}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4, PresignsThePublishedUrl) {
  SigningKeyCache cache;
  const Signer signer{
      .keys = kExampleKeys, .region = "us-east-1", .time = ExampleTime(), .cache = cache};
  EXPECT_EQ(PresignQuery({.method = "GET",
                          .host = kExampleHost,
                          .path = "/test.txt",
                          .query = {},
                          .payload_hash = kUnsignedPayload},
                         signer, seconds(86'400)),
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
            "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
            "X-Amz-SignedHeaders=host&X-Amz-Signature="
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

Sha256Digest ExampleSigningKey() {
  return DeriveSigningKey(kExampleKeys.secret_access_key,
                          {.date = "20130524", .region = "us-east-1"});
}

TEST(SigV4, SignsThePublishedChunks) {
  net::HttpHeaders headers;
  headers.Add("x-amz-storage-class", "REDUCED_REDUNDANCY");
  headers.Add("Content-Encoding", "aws-chunked");
  headers.Add("x-amz-decoded-content-length", "66560");
  headers.Add("Content-Length", "66824");
  SigningKeyCache cache;
  const Signer signer{
      .keys = kExampleKeys, .region = "us-east-1", .time = ExampleTime(), .cache = cache};
  SignHeaders({.method = "PUT",
               .host = "s3.amazonaws.com",
               .path = "/examplebucket/chunkObject.txt",
               .query = {},
               .payload_hash = kStreamingSigned},
              signer, headers);
  const std::string seed = SignatureIn(headers);
  EXPECT_EQ(seed, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  ChunkSignatures chunks(ExampleSigningKey(), "20130524T000000Z", std::string(kExampleScope), seed);
  EXPECT_EQ(chunks.NextChunk(Sha256(std::string(65'536, 'a'))),
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  EXPECT_EQ(chunks.NextChunk(Sha256(std::string(1024, 'a'))),
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  EXPECT_EQ(chunks.NextChunk(Sha256("")),
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

TEST(SigV4, SignsThePublishedTrailer) {
  ChunkSignatures chunks(ExampleSigningKey(), "20130524T000000Z", std::string(kExampleScope),
                         "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e");
  EXPECT_EQ(chunks.NextChunk(Sha256(std::string(65'536, 'a'))),
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
  EXPECT_EQ(chunks.NextChunk(Sha256(std::string(1024, 'a'))),
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
  EXPECT_EQ(chunks.NextChunk(Sha256("")),
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
  EXPECT_EQ(chunks.Trailer("x-amz-checksum-crc32c:sOO8/Q==\n"),
            "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
}

TEST(SigV4, TheCanonicalUriKeepsEveryOddKeyAsItIs) {
  EXPECT_EQ(CanonicalUri(""), "/");
  EXPECT_EQ(CanonicalUri("/b//a/../x/./"), "/b//a/../x/./");
  // However the sender encoded it, the encoding that is signed is the same.
  EXPECT_EQ(CanonicalUri("/b/a%20=+%2b%25~%c3%a9"), "/b/a%20%3D%2B%2B%25~%C3%A9");
  EXPECT_EQ(CanonicalUri("/b/a%2"), std::nullopt);
}

TEST(SigV4, TheCanonicalQueryIsSortedByEncodedNameAndValue) {
  EXPECT_EQ(CanonicalQuery("b=2&a=x+y&a=1&c&=&&d=%2f"), "=&a=1&a=x%20y&b=2&c=&d=%2F");
  EXPECT_EQ(CanonicalQuery("X-Amz-Signature=1&a=b", "X-Amz-Signature"), "a=b");
  EXPECT_EQ(CanonicalQuery("a=%zz"), std::nullopt);
}

TEST(SigV4, CanonicalHeadersAreSortedTrimmedAndJoined) {
  const std::vector<std::pair<std::string_view, std::string_view>> fields = {
      {"X-Amz-Meta-B", "  one   two "}, {"Host", "h"}, {"x-amz-meta-b", "three"}, {"a", ""}};
  const CanonicalHeaderList list = CanonicalHeaders(fields);
  EXPECT_EQ(list.text, "a:\nhost:h\nx-amz-meta-b:one two,three\n");
  EXPECT_EQ(list.names, "a;host;x-amz-meta-b");
}

TEST(SigV4, DatesRoundTripAndImpossibleOnesAreRefused) {
  EXPECT_EQ(FormatAmzDate(ParseAmzDate("20240229T235959Z").value()), "20240229T235959Z");
  for (const char* text : {"20230229T000000Z", "20130524T240000Z", "20130524 000000Z", "20130524",
                           "2013052xT000000Z"}) {
    EXPECT_EQ(ParseAmzDate(text), std::nullopt) << text;
  }
}

TEST(SigV4, TheKeyCacheGivesEachScopeAndSecretItsOwnKey) {
  SigningKeyCache cache;
  // More scopes than the cache keeps: replaced entries are derived again.
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 40; ++i) {
      const CredentialScope scope{.date = "20130524", .region = "r" + std::to_string(i)};
      EXPECT_EQ(cache.KeyFor("secret", scope), DeriveSigningKey("secret", scope));
      EXPECT_EQ(cache.KeyFor("other", scope), DeriveSigningKey("other", scope));
    }
  }
}

net::HttpRequestHead Received(const RequestToSign& request, net::HttpHeaders headers) {
  headers.Add("Host", std::string(request.host));
  std::string target(request.path);
  if (!request.query.empty()) target.append("?").append(request.query);
  return {.method = std::string(request.method), .target = target, .headers = std::move(headers)};
}

TEST(SigV4, WhatTheClientSignsTheServerAccepts) {
  SigningKeyCache cache;
  const AccessKeys keys{
      .access_key_id = "AK/ID", .secret_access_key = "s3cr/t+", .session_token = "tok+en/="};
  const Signer signer{.keys = keys, .region = "eu-west-1", .time = ExampleTime(), .cache = cache};
  for (const char* key : {"a b", "a=b", "a+b", "100%", "\xC3\xA9\xE2\x82\xAC", "a//b", "../x/..",
                          "a/./b", "/leading", "trailing/", "?#&;:@'\"<>", "\x01\x7F"}) {
    SCOPED_TRACE(key);
    const std::string path = "/bucket/" + UriEncodePath(key);
    const std::string query = "versionId=" + UriEncode(key) + "&acl";
    const RequestToSign request{.method = "GET",
                                .host = "127.0.0.1:9000",
                                .path = path,
                                .query = query,
                                .payload_hash = kEmptySha256};
    net::HttpHeaders headers;
    headers.Add("x-amz-meta-x", " a  b ");
    SignHeaders(request, signer, headers);
    net::HttpRequestHead head = Received(request, headers);
    const auto parsed = ParseSignature(head);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    ASSERT_TRUE(parsed->has_value());
    EXPECT_EQ((*parsed)->access_key_id, "AK/ID");
    EXPECT_EQ((*parsed)->session_token, "tok+en/=");
    EXPECT_EQ(ExpectedSignature(head, **parsed, keys.secret_access_key, cache).value(),
              (*parsed)->signature);
    EXPECT_NE(ExpectedSignature(head, **parsed, "another secret", cache).value(),
              (*parsed)->signature);
    head.target += "&x=1";
    EXPECT_NE(ExpectedSignature(head, **parsed, keys.secret_access_key, cache).value(),
              (*parsed)->signature);

    net::HttpRequestHead presigned{
        .method = "GET",
        .target = path + "?" + PresignQuery(request, signer, seconds(60)),
        .headers = {}};
    presigned.headers.Add("host", "127.0.0.1:9000");
    const auto presigned_parts = ParseSignature(presigned);
    ASSERT_TRUE(presigned_parts.has_value()) << presigned_parts.error().message();
    EXPECT_EQ((*presigned_parts)->lifetime, seconds(60));
    EXPECT_TRUE((*presigned_parts)->is_presigned);
    EXPECT_EQ(
        ExpectedSignature(presigned, **presigned_parts, keys.secret_access_key, cache).value(),
        (*presigned_parts)->signature);
  }
}

TEST(SigV4, MalformedSignaturesAreRefusedWithTheReason) {
  const std::string good_signature(64, '0');
  const std::string names = "SignedHeaders=host;x-amz-date";
  const auto failure = [](const std::string& authorization, const char* date) {
    net::HttpRequestHead head{.method = "GET", .target = "/", .headers = {}};
    head.headers.Add("Authorization", authorization);
    head.headers.Add("x-amz-date", date);
    head.headers.Add("x-amz-content-sha256", std::string(kUnsignedPayload));
    const auto parsed = ParseSignature(head);
    return parsed.has_value() ? std::string("accepted") : parsed.error().message();
  };
  const std::string start = "AWS4-HMAC-SHA256 ";
  const std::string credential = "Credential=AK/20130524/us-east-1/s3/aws4_request";
  EXPECT_EQ(failure(start + credential + ", " + names + ", Signature=" + good_signature,
                    "20130524T000000Z"),
            "accepted");
  EXPECT_NE(failure("AWS AK:sig", "20130524T000000Z").find("Signature Version 4"),
            std::string::npos);
  EXPECT_NE(failure(start + "Credential=AK/s3, " + names + ", Signature=" + good_signature,
                    "20130524T000000Z")
                .find("Credential"),
            std::string::npos);
  EXPECT_NE(failure(start + credential + "," + names + ",Signature=12", "20130524T000000Z")
                .find("64 hexadecimal digits"),
            std::string::npos);
  EXPECT_NE(failure(start + credential + "," + names + ",Signature=" + good_signature, "yesterday")
                .find("x-amz-date"),
            std::string::npos);
  EXPECT_NE(failure(start + credential + ",SignedHeaders=x-amz-date,Signature=" + good_signature,
                    "20130524T000000Z")
                .find("Host"),
            std::string::npos);
  const net::HttpRequestHead unsigned_head{
      .method = "GET", .target = "/?list-type=2", .headers = {}};
  EXPECT_EQ(ParseSignature(unsigned_head).value(), std::nullopt);
}

}  // namespace
}  // namespace headrace::s3
