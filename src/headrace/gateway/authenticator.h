// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/mutex.h"
#include "headrace/gateway/access.h"
#include "headrace/gateway/session_keys.h"
#include "headrace/net/http_message.h"
#include "headrace/store/s3/sigv4.h"
#include "headrace/store/s3/sigv4a.h"

namespace headrace::gateway {

struct AuthenticatorOptions {
  // Who may sign and do everything.
  std::vector<s3::AccessKeys> users;
  // True: nothing is checked, whoever signed or not.
  bool is_open = false;
  // S3's own limit between its clock and the signer's.
  std::chrono::minutes clock_skew_max{15};
};

// Who sent a request and how its body is protected.
struct Identity {
  std::string access_key_id;  // Empty: nobody signed, or nobody checked.
  Grant grant;
  bool is_session = false;  // Signed with the keys of a session.
  // x-amz-content-sha256: a digest, UNSIGNED-PAYLOAD or a STREAMING-… form.
  std::string payload_hash;
  // Set for verified requests with such a form: the chain that chunk signatures continue.
  std::optional<s3::ChunkSignatures> chunks;
};

// The signature fields of a form upload (PostObject).
struct FormSignature {
  std::string_view algorithm;   // x-amz-algorithm
  std::string_view credential;  // x-amz-credential
  std::string_view timestamp;   // x-amz-date
  std::string_view signature;   // x-amz-signature
  std::string_view session_token;
  std::string_view policy;  // The policy field as it was sent, in base64: it is what is signed.
};

// What CreateSession gives.
struct NewSession {
  s3::AccessKeys keys;
  SystemTime expires_at;
};

// Verifies SigV4 and SigV4A signatures in headers, queries and forms.
// Threads: all methods may be called at once from any thread.
class Authenticator {
 public:
  // `clock` outlives it.
  Authenticator(AuthenticatorOptions options, const Clock& clock);

  // Judges by `users` and the options' own from now on; running requests keep what they have.
  // kAlreadyExists when both have the same access key: then nothing changes.
  Status ReplaceUsers(Users users) HR_EXCLUDES(mutex_);

  // Who sent a request; a request without a signature comes from everyone. InvalidAccessKeyId,
  // SignatureDoesNotMatch, RequestTimeTooSkewed, … What the sender may do is Identity::grant's.
  Result<Identity> Verify(const net::HttpRequestHead& head);
  // Who signed a form; its policy's own conditions are the caller's to check. AccessDenied for a
  // form without signature fields.
  Result<Identity> VerifyForm(const FormSignature& form);
  // Keys for one bucket, which never may more than who asked for them. AccessDenied without a
  // signature, or with one that is a session's already.
  Result<NewSession> StartSession(const Identity& identity, std::string bucket, bool reads_only);

 private:
  // Whom a signature names, and the keys it must have been made with.
  struct Signer {
    const User* user = nullptr;
    s3::AccessKeys keys;
    std::optional<SessionClaims> session;
  };
  Result<Signer> FindSigner(const Users& users, std::string_view access_key_id,
                            std::string_view token) const;
  Status CheckTime(const s3::ParsedSignature& signature) const;
  // Fills in what follows from a signature that is right.
  Status CheckSignature(const net::HttpRequestHead& head, const s3::ParsedSignature& signature,
                        const s3::AccessKeys& keys, Identity& identity);
  std::shared_ptr<const Users> CurrentUsers() const HR_EXCLUDES(mutex_);

  const AuthenticatorOptions options_;
  const Clock& clock_;
  mutable Mutex mutex_;
  std::shared_ptr<const Users> users_ HR_GUARDED_BY(mutex_);
  s3::SigningKeyCache signing_keys_;
  s3::SigV4aKeyCache asymmetric_keys_;
  SessionKeys sessions_;
};

}  // namespace headrace::gateway
