// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/store/s3/sigv4.h"

namespace headrace::gateway {

// What the keys of a session (CreateSession) are good for.
struct SessionClaims {
  std::string user_access_key_id;  // Empty: of a server that checks nobody.
  std::string bucket;
  bool reads_only = false;
  SystemTime expires_at;  // Whole seconds.
};

// Makes and recognises the keys of sessions without keeping any: the token carries the claims, and
// token, key id and secret all derive from them, from a secret of this process and from the user's
// own. They end with the process, and with the user's removal or another secret.
// Threads: all methods may be called at once from any thread.
class SessionKeys {
 public:
  // S3's own.
  static constexpr std::chrono::minutes kLifetime{5};

  SessionKeys();

  s3::AccessKeys Make(const SessionClaims& claims, std::string_view user_secret) const;
  static bool IsToken(std::string_view token);
  // The claims of a token, not yet to be believed. InvalidToken.
  static Result<SessionClaims> Read(std::string_view token);
  // The keys that belong to a token, which must be the one that Make gave for these claims.
  // InvalidToken.
  Result<s3::AccessKeys> Verify(std::string_view token, const SessionClaims& claims,
                                std::string_view user_secret) const;

 private:
  const std::string secret_;
};

}  // namespace headrace::gateway
