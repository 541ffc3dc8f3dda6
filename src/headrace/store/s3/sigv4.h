// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/digest.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/base/p256_key.h"
#include "headrace/net/http_message.h"

// AWS Signature Version 4 in S3's dialect: the path is percent-encoded once and never normalised,
// and the payload hash travels in x-amz-content-sha256. Pure; the client signs and the gateway
// verifies with the same functions.
//
// The steps, in order: CanonicalUri, CanonicalQuery and CanonicalHeaders make a CanonicalRequest;
// its hash makes a StringToSign; a signing key (SigningKeyCache) makes that a Signature.
namespace headrace::s3 {

// Values of x-amz-content-sha256 that are not a digest.
inline constexpr std::string_view kUnsignedPayload = "UNSIGNED-PAYLOAD";
inline constexpr std::string_view kStreamingSigned = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
inline constexpr std::string_view kStreamingSignedTrailer =
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
inline constexpr std::string_view kStreamingAsymmetric = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";
inline constexpr std::string_view kStreamingAsymmetricTrailer =
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER";
inline constexpr std::string_view kStreamingUnsignedTrailer = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";
// The SHA-256 of no bytes.
inline constexpr std::string_view kEmptySha256 =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
inline constexpr std::string_view kSigV4Algorithm = "AWS4-HMAC-SHA256";
inline constexpr std::string_view kSigV4aAlgorithm = "AWS4-ECDSA-P256-SHA256";

// The keys a request is signed with. An empty session token: long-lived keys.
struct AccessKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;

  bool operator==(const AccessKeys&) const = default;
};

// "20130524T000000Z", as x-amz-date carries it; seconds are cut, not rounded.
std::string FormatAmzDate(SystemTime time);
// Nothing for text of another form or a date that does not exist.
std::optional<SystemTime> ParseAmzDate(std::string_view text);

// What a signing key is good for.
struct CredentialScope {
  std::string date;  // "20130524"
  std::string region;
  std::string service = "s3";

  // "20130524/us-east-1/s3/aws4_request"
  std::string Text() const;
  bool operator==(const CredentialScope&) const = default;
};

// The path as SigV4 wants it, from a percent-encoded path however its sender encoded it: decoded
// and encoded again, "//" and ".." kept. An empty path is "/". Nothing for a broken '%'.
std::optional<std::string> CanonicalUri(std::string_view path);
// The query (without '?') sorted and encoded anew; a name without '=' gets an empty value. The
// parameter `left_out` is dropped: X-Amz-Signature when a presigned request is verified.
std::optional<std::string> CanonicalQuery(std::string_view query, std::string_view left_out = {});

// The signed headers of a request: each name in lower case once, sorted, values trimmed and their
// inner runs of spaces made one, repeated fields joined with commas.
struct CanonicalHeaderList {
  std::string text;   // "host:b.s3.amazonaws.com\nrange:bytes=0-9\n"
  std::string names;  // "host;range"
};
// Of all `fields`; names may be in any case.
CanonicalHeaderList CanonicalHeaders(
    std::span<const std::pair<std::string_view, std::string_view>> fields);
// Of those fields of a received request that its signer listed ("host;x-amz-date"). Nothing when
// one of them is missing.
std::optional<CanonicalHeaderList> CanonicalHeadersListed(const net::HttpHeaders& headers,
                                                          std::string_view signed_names);

std::string CanonicalRequest(std::string_view method, std::string_view canonical_uri,
                             std::string_view canonical_query, const CanonicalHeaderList& headers,
                             std::string_view payload_hash);
// `timestamp` as in x-amz-date, `scope` as CredentialScope::Text gives it.
std::string StringToSign(std::string_view timestamp, std::string_view scope,
                         std::string_view canonical_request);
Sha256Digest DeriveSigningKey(std::string_view secret_access_key, const CredentialScope& scope);
// 64 lower-case hexadecimal digits.
std::string Signature(const Sha256Digest& signing_key, std::string_view string_to_sign);

// Keeps the signing keys last used: deriving one costs four HMACs, and it is good for a day.
// Threads: all methods may be called at once from any thread.
class SigningKeyCache {
 public:
  Sha256Digest KeyFor(std::string_view secret_access_key, const CredentialScope& scope)
      HR_EXCLUDES(mutex_);

 private:
  struct Entry {
    std::string secret_access_key;
    CredentialScope scope;
    Sha256Digest key{};
  };
  // One client uses one key and, around midnight or while it learns a bucket's region, two; a
  // gateway one for each of its users that is active.
  static constexpr size_t kEntryCountMax = 16;

  Mutex mutex_;
  std::vector<Entry> entries_ HR_GUARDED_BY(mutex_);
  size_t next_replaced_ HR_GUARDED_BY(mutex_) = 0;
};

// A request about to be sent. Everything is borrowed for the call.
struct RequestToSign {
  std::string_view method;
  std::string_view host;          // As the Host header will carry it.
  std::string_view path;          // Encoded by UriEncodePath, so already canonical.
  std::string_view query;         // Without '?', encoded by UriEncode; in any order.
  std::string_view payload_hash;  // What x-amz-content-sha256 says.
};
struct Signer {
  const AccessKeys& keys;
  std::string_view region;
  SystemTime time;
  SigningKeyCache& cache;
  std::string_view service = "s3";
};

// Adds x-amz-date, x-amz-content-sha256 (for s3), x-amz-security-token and Authorization to
// `headers`, signing every field that is there and the host.
void SignHeaders(const RequestToSign& request, const Signer& signer, net::HttpHeaders& headers);
// The query of a URL that is valid for `lifetime` (at most 7 days) and needs no headers: the
// request's own parameters, the X-Amz-… ones and the signature.
std::string PresignQuery(const RequestToSign& request, const Signer& signer,
                         std::chrono::seconds lifetime);

// The signature part of a received request.
struct ParsedSignature {
  std::string access_key_id;
  CredentialScope scope;
  std::string timestamp;       // x-amz-date, Date is not accepted in its place.
  std::string signed_names;    // "host;x-amz-content-sha256;x-amz-date"
  std::string signature;       // 64 hexadecimal digits; of SigV4A, hexadecimal DER.
  std::string session_token;   // Empty: none sent.
  std::string payload_hash;    // UNSIGNED-PAYLOAD for a presigned request that names none.
  bool is_asymmetric = false;  // SigV4A: the scope has no region.
  bool is_presigned = false;
  std::chrono::seconds lifetime{};  // Of a presigned request.

  std::string ScopeText() const;
  bool operator==(const ParsedSignature&) const = default;
};
// Reads "AKID/20130524/us-east-1/s3/aws4_request" into `parsed`, without the region where
// `parsed` is asymmetric; the key id may itself hold '/'.
Status ParseCredential(std::string_view text, ParsedSignature& parsed);
// From the headers of a request with an Authorization header, or from the query of a presigned one.
// Nothing: the request carries no signature at all. kInvalidArgument: it has one that is malformed
// or of another algorithm; the message says what is wrong with it.
Result<std::optional<ParsedSignature>> ParseSignature(const net::HttpRequestHead& head);
// The canonical request that the signature of a received one covers. kInvalidArgument for a target
// or a header list that cannot be canonical.
Result<std::string> CanonicalRequestOf(const net::HttpRequestHead& head,
                                       const ParsedSignature& parsed);
// The signature that a request with this head must carry, from the sender's secret.
// Errors as CanonicalRequestOf. Compare with
// EqualInConstantTime; the age of the timestamp and the payload hash are the caller's to check.
Result<std::string> ExpectedSignature(const net::HttpRequestHead& head,
                                      const ParsedSignature& parsed,
                                      std::string_view secret_access_key, SigningKeyCache& cache);

// The chain of chunk signatures of a STREAMING-AWS4-HMAC-SHA256-PAYLOAD body: each one covers the
// one before it, the first covers the request's own.
class ChunkSignatures {
 public:
  ChunkSignatures(const Sha256Digest& signing_key, std::string timestamp, std::string scope,
                  std::string seed_signature)
      : signing_key_(signing_key),
        timestamp_(std::move(timestamp)),
        scope_(std::move(scope)),
        previous_(std::move(seed_signature)) {}
  // The chain of a STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD body (SigV4A).
  ChunkSignatures(std::shared_ptr<const P256Key> key, std::string timestamp, std::string scope,
                  std::string_view seed_signature);

  bool is_asymmetric() const { return asymmetric_key_ != nullptr; }
  // Whether a chunk, or the trailers, carry the right signature.
  bool CheckChunk(const Sha256Digest& chunk_digest, std::string_view signature);
  bool CheckTrailer(std::string_view trailers, std::string_view signature);

  // The signature of the next chunk, from its bytes' digest; the last, empty chunk included.
  std::string NextChunk(const Sha256Digest& chunk_digest);
  // The x-amz-trailer-signature of the -TRAILER form, after the empty chunk. `trailers`: one
  // "name:value\n" for each trailing header, names in lower case, without the signature itself.
  std::string Trailer(std::string_view trailers);

 private:
  std::string ChunkText(const Sha256Digest& chunk_digest) const;
  std::string TrailerText(std::string_view trailers) const;
  bool Check(std::string_view signed_text, std::string_view signature);

  Sha256Digest signing_key_{};
  std::shared_ptr<const P256Key> asymmetric_key_;
  std::string timestamp_;
  std::string scope_;
  std::string previous_;
};

}  // namespace headrace::s3
