// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/tls_server_context.h"

#include <utility>

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "headrace/base/log.h"
#include "headrace/net/tls_failure.h"
#include "headrace/net/tls_session.h"

namespace headrace::net {
namespace {

using ContextPointer = std::shared_ptr<SSL_CTX>;

// A key that needs a pass phrase is an error: nobody may be there to type one.
int NoPassPhrase(char* /*text*/, int /*size*/, int /*is_writing*/, void* /*user*/) { return 0; }

void WarnIfExpired(SSL_CTX* context, const std::string& path) {
  const X509* certificate = SSL_CTX_get0_certificate(context);
  if (certificate == nullptr) return;
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    Log(LogLevel::kWarning, "the TLS certificate {} has expired; clients will refuse it", path);
  }
}

Status UseFiles(SSL_CTX* context, const std::string& certificate_path,
                const std::string& key_path) {
  HR_TRY(CheckTlsFile("certificate", certificate_path));
  HR_TRY(CheckTlsFile("key", key_path));
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate_path.c_str()) != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the TLS certificate {} is no PEM certificate: {}", certificate_path,
                            TakeTlsReason("unknown error")));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_path.c_str(), SSL_FILETYPE_PEM) != 1) {
    if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("the TLS key {} does not belong to the certificate {}", key_path,
                              certificate_path));
    }
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the TLS key {} is no PEM key without a pass phrase: {}", key_path,
                            TakeTlsReason("unknown error")));
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("the TLS key {} does not belong to the certificate {}", key_path,
                            certificate_path));
  }
  WarnIfExpired(context, certificate_path);
  return Ok();
}

Result<ContextPointer> MakeContext(const std::string& certificate_path,
                                   const std::string& key_path) {
  ContextPointer context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return Fail(ErrorCode::kResourceExhausted, "no memory for a TLS context");
  SSL_CTX* raw = context.get();
  SetRecordOptions(*raw);
  SSL_CTX_set_options(raw, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  constexpr std::string_view kSessionContext = "headrace";
  SSL_CTX_set_session_id_context(
      raw, reinterpret_cast<const unsigned char*>(kSessionContext.data()), kSessionContext.size());
  SSL_CTX_set_num_tickets(raw, 1);
  SSL_CTX_set_default_passwd_cb(raw, NoPassPhrase);
  const Status used = UseFiles(raw, certificate_path, key_path);
  ERR_clear_error();
  HR_TRY(used);
  return context;
}

}  // namespace

Result<std::unique_ptr<TlsServerContext>> TlsServerContext::Load(std::string certificate_path,
                                                                 std::string key_path) {
  std::unique_ptr<TlsServerContext> made(
      new TlsServerContext(std::move(certificate_path), std::move(key_path)));
  HR_TRY(made->Reload());
  return made;
}

Status TlsServerContext::Reload() {
  HR_TRY_ASSIGN(ContextPointer fresh, MakeContext(certificate_path_, key_path_));
  const MutexLock lock(mutex_);
  context_.swap(fresh);
  return Ok();
}

ssl_st* TlsServerContext::NewSession() {
  ContextPointer context;
  {
    const MutexLock lock(mutex_);
    context = context_;
  }
  // The session keeps the context it was made from.
  SSL* const session = SSL_new(context.get());
  if (session != nullptr) SSL_set_accept_state(session);
  return session;
}

}  // namespace headrace::net
