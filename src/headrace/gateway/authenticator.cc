// SPDX-License-Identifier: Apache-2.0
#include "headrace/gateway/authenticator.h"

#include <algorithm>

#include <fmt/format.h>

#include "headrace/base/digest.h"
#include "headrace/gateway/s3_failure.h"

namespace headrace::gateway {
namespace {

constexpr std::chrono::hours kPresignedLifetimeMax{7 * 24};

// Signature Version 2 in either place.
bool IsVersion2(const net::HttpRequestHead& head) {
  return head.headers.Value("Authorization").starts_with("AWS ") ||
         head.target.find("AWSAccessKeyId=") != std::string::npos;
}

}  // namespace

Status Authenticator::CheckTime(const s3::ParsedSignature& signature) const {
  const auto signed_at = s3::ParseAmzDate(signature.timestamp);
  if (!signed_at || !signature.timestamp.starts_with(signature.scope.date)) {
    return FailS3("AuthorizationHeaderMalformed",
                  "x-amz-date is missing, or not of the day the credential scope names");
  }
  const SystemTime now = clock_.WallNow();
  if (*signed_at - now > options_.clock_skew_max ||
      (!signature.is_presigned && now - *signed_at > options_.clock_skew_max)) {
    return FailS3("RequestTimeTooSkewed",
                  "the difference between the request's time and this server's is too large");
  }
  if (!signature.is_presigned) return Ok();
  if (signature.lifetime > kPresignedLifetimeMax) {
    return FailS3("AuthorizationQueryParametersError", "X-Amz-Expires must be at most a week");
  }
  if (now > *signed_at + signature.lifetime) return FailS3("AccessDenied", "Request has expired");
  return Ok();
}

Result<Identity> Authenticator::Verify(const net::HttpRequestHead& head) {
  Identity identity;
  identity.payload_hash = head.headers.Value("x-amz-content-sha256");
  if (options_.is_open) return identity;
  if (IsVersion2(head)) {
    return FailS3("InvalidRequest",
                  "Signature Version 2 is not supported; sign with AWS4-HMAC-SHA256");
  }
  auto parsed = s3::ParseSignature(head);
  if (!parsed) {
    return FailS3(head.headers.Find("Authorization") ? "AuthorizationHeaderMalformed"
                                                     : "AuthorizationQueryParametersError",
                  parsed.error().message());
  }
  if (!parsed->has_value())
    return FailS3("AccessDenied", "Access Denied: the request is not signed");
  const s3::ParsedSignature& signature = **parsed;
  const auto user =
      std::ranges::find(options_.users, signature.access_key_id, &s3::AccessKeys::access_key_id);
  if (user == options_.users.end()) {
    return FailS3("InvalidAccessKeyId", "the access key is not known here");
  }
  HR_TRY(CheckTime(signature));
  const auto expected =
      s3::ExpectedSignature(head, signature, user->secret_access_key, signing_keys_);
  if (!expected) return FailS3("SignatureDoesNotMatch", expected.error().message());
  if (!EqualInConstantTime(*expected, signature.signature)) {
    return FailS3("SignatureDoesNotMatch",
                  "the signature is not the one the secret key makes; check the key, and that "
                  "nothing changed the request on its way");
  }
  identity.access_key_id = signature.access_key_id;
  identity.payload_hash = signature.payload_hash;
  identity.chunks.emplace(signing_keys_.KeyFor(user->secret_access_key, signature.scope),
                          signature.timestamp, signature.scope.Text(), signature.signature);
  return identity;
}

}  // namespace headrace::gateway
