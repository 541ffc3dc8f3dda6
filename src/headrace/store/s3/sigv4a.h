// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/base/p256_key.h"
#include "headrace/net/http_message.h"
#include "headrace/store/s3/sigv4.h"

// AWS Signature Version 4A, the asymmetric form that is good for several regions: the request is
// made canonical as in sigv4.h, and signed with a P-256 key that derives from the same secret.
namespace headrace::s3 {

P256Key DeriveSigV4aKey(std::string_view access_key_id, std::string_view secret_access_key);

// Keeps the keys last used: deriving one costs a multiplication on the curve.
// Threads: all methods may be called at once from any thread.
class SigV4aKeyCache {
 public:
  std::shared_ptr<const P256Key> KeyFor(const AccessKeys& keys) HR_EXCLUDES(mutex_);

 private:
  struct Entry {
    std::string access_key_id;
    std::string secret_access_key;
    std::shared_ptr<const P256Key> key;
  };
  static constexpr size_t kEntryCountMax = 16;

  Mutex mutex_;
  std::vector<Entry> entries_ HR_GUARDED_BY(mutex_);
  size_t next_replaced_ HR_GUARDED_BY(mutex_) = 0;
};

// Whether a signature (hexadecimal DER, perhaps filled up with '*' to a fixed length) is the key's
// over a text.
bool VerifySigV4a(const P256Key& key, std::string_view signed_text, std::string_view signature);
// For tests and clients: hexadecimal DER.
std::string SignSigV4a(const P256Key& key, std::string_view signed_text);

// What the signature of a received request covers. kInvalidArgument for a target or a header list
// that cannot be canonical.
Result<std::string> SigV4aStringToSign(const net::HttpRequestHead& head,
                                       const ParsedSignature& parsed);

}  // namespace headrace::s3
