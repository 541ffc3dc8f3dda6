// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "headrace/base/error.h"

// OpenSSL's own names for SSL and SSL_CTX.
struct ssl_st;
struct ssl_ctx_st;

namespace headrace::net {

// Whom a TLS client trusts. TLS 1.2 and 1.3.
// Threads: all methods may be called at once from any thread.
class TlsClientContext {
 public:
  // Whether the file may be read, or none is named. Reads nothing.
  static Status CheckBundle(const std::string& ca_bundle);
  // The authorities in the PEM file `ca_bundle`; empty: the system's, which takes about 75 ms.
  // kInvalidArgument, naming the file, when they cannot be read.
  static Result<std::unique_ptr<TlsClientContext>> Load(const std::string& ca_bundle);

  // A new client session with `host`, a name or an address; the caller frees it (SSL_free).
  // `verify`: the handshake fails unless the certificate is trusted and of `host`.
  Result<ssl_st*> NewSession(const std::string& host, bool verify) const;

 private:
  struct Freed {
    void operator()(ssl_ctx_st* context) const;
  };

  explicit TlsClientContext(std::unique_ptr<ssl_ctx_st, Freed> context)
      : context_(std::move(context)) {}

  std::unique_ptr<ssl_ctx_st, Freed> context_;
};

}  // namespace headrace::net
