// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"

// OpenSSL's own names for SSL and SSL_CTX.
struct ssl_st;
struct ssl_ctx_st;

namespace headrace::net {

// What a TLS server shows its clients: a certificate with its chain and the key, both PEM files.
// TLS 1.2 and 1.3; sessions are resumed by tickets, so that nothing is kept for clients that left.
//
// Threads: all methods may be called at once from any thread.
class TlsServerContext {
 public:
  // kNotFound, kPermissionDenied or kInvalidArgument with the file's name and what is wrong with
  // it: not readable, no certificate, an encrypted key, a key of another certificate.
  static Result<std::unique_ptr<TlsServerContext>> Load(std::string certificate_path,
                                                        std::string key_path);

  // Reads both files again, for connections accepted from now on. With an error the old pair stays.
  Status Reload() HR_EXCLUDES(mutex_);

  // A new server session; the caller frees it (SSL_free). Null: out of memory.
  ssl_st* NewSession() HR_EXCLUDES(mutex_);

 private:
  TlsServerContext(std::string certificate_path, std::string key_path)
      : certificate_path_(std::move(certificate_path)), key_path_(std::move(key_path)) {}

  const std::string certificate_path_;
  const std::string key_path_;
  Mutex mutex_;
  std::shared_ptr<ssl_ctx_st> context_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::net
