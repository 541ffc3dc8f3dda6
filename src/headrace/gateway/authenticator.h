// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/net/http_message.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::gateway {

struct AuthenticatorOptions {
  // Who may sign.
  std::vector<s3::AccessKeys> users;
  // True: nothing is checked, whoever signed or not.
  bool is_open = false;
  // S3's own limit between its clock and the signer's.
  std::chrono::minutes clock_skew_max{15};
};

// Who sent a request and how its body is protected.
struct Identity {
  std::string access_key_id;  // Empty: nobody signed, or nobody checked.
  // x-amz-content-sha256: a digest, UNSIGNED-PAYLOAD or a STREAMING-… form.
  std::string payload_hash;
  // Set for verified requests: the chain that chunk signatures continue.
  std::optional<s3::ChunkSignatures> chunks;
};

// Verifies SigV4 signatures in headers and queries.
// Threads: all methods may be called at once from any thread.
class Authenticator {
 public:
  // `clock` outlives it.
  Authenticator(AuthenticatorOptions options, const Clock& clock)
      : options_(std::move(options)), clock_(clock) {}

  // AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch, RequestTimeTooSkewed, …
  Result<Identity> Verify(const net::HttpRequestHead& head);

 private:
  Status CheckTime(const s3::ParsedSignature& signature) const;

  const AuthenticatorOptions options_;
  const Clock& clock_;
  s3::SigningKeyCache signing_keys_;
};

}  // namespace headrace::gateway
