// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/tls_client_context.h"

#include <utility>

#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "headrace/base/task.h"
#include "headrace/net/tls_failure.h"
#include "headrace/net/tls_session.h"

namespace headrace::net {
namespace {

// AES-128 before the other ciphers of TLS 1.3 that are enabled, as browsers and Amazon's servers
// prefer it: both sides spend less on it than on AES-256.
void PreferAes128(SSL_CTX* context) {
  constexpr std::string_view kPreferred = "TLS_AES_128_GCM_SHA256";
  std::string names;
  const STACK_OF(SSL_CIPHER)* const all = SSL_CTX_get_ciphers(context);
  for (int index = 0; index < sk_SSL_CIPHER_num(all); ++index) {
    const std::string name = SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, index));
    if (!name.starts_with("TLS_")) continue;  // So only those of TLS 1.3 are called.
    names = name == kPreferred ? name + ":" + names : names + name + ":";
  }
  if (!names.empty()) names.pop_back();
  SSL_CTX_set_ciphersuites(context, names.c_str());
}

bool IsAddress(const std::string& host) {
  boost::system::error_code not_an_address;
  asio::ip::make_address(host, not_an_address);
  return !not_an_address;
}

bool ExpectName(SSL* session, const std::string& host) {
  SSL_set_verify(session, SSL_VERIFY_PEER, nullptr);
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  if (!IsAddress(host)) return SSL_set1_host(session, host.c_str()) == 1;
  // A certificate knows nothing of zones.
  const std::string address = host.substr(0, host.find('%'));
  return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), address.c_str()) == 1;
}

}  // namespace

void TlsClientContext::Freed::operator()(ssl_ctx_st* context) const { SSL_CTX_free(context); }

Status TlsClientContext::CheckBundle(const std::string& ca_bundle) {
  if (ca_bundle.empty()) return Ok();
  const Status readable = CheckTlsFile("CA bundle", ca_bundle);
  if (readable) return Ok();
  return Fail(ErrorCode::kInvalidArgument, readable.error().message() + "; give a PEM file");
}

Result<std::unique_ptr<TlsClientContext>> TlsClientContext::Load(const std::string& ca_bundle) {
  std::unique_ptr<ssl_ctx_st, Freed> context(SSL_CTX_new(TLS_client_method()));
  if (!context) return Fail(ErrorCode::kResourceExhausted, "no memory for a TLS context");
  SetRecordOptions(*context);
  PreferAes128(context.get());
  if (ca_bundle.empty()) {
    if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  "load the system's certificate authorities: " + TakeTlsReason("unknown error"));
    }
  } else {
    HR_TRY(CheckBundle(ca_bundle));
    ERR_clear_error();
    if (SSL_CTX_load_verify_locations(context.get(), ca_bundle.c_str(), nullptr) != 1) {
      return Fail(ErrorCode::kInvalidArgument,
                  fmt::format("read the TLS CA bundle {}: {}; give a PEM file", ca_bundle,
                              TakeTlsReason("unknown error")));
    }
  }
  return std::unique_ptr<TlsClientContext>(new TlsClientContext(std::move(context)));
}

Result<ssl_st*> TlsClientContext::NewSession(const std::string& host, bool verify) const {
  SSL* const session = SSL_new(context_.get());
  if (session == nullptr) return Fail(ErrorCode::kResourceExhausted, "no memory for a TLS session");
  SSL_set_connect_state(session);
  // Server names are names (RFC 6066, section 3): addresses are not sent.
  const bool is_named = IsAddress(host) || SSL_set_tlsext_host_name(session, host.c_str()) == 1;
  if (is_named && (!verify || ExpectName(session, host))) return session;
  SSL_free(session);
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no host that a certificate can name: {}", host,
                          TakeTlsReason("unknown error")));
}

}  // namespace headrace::net
