// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/tls_session.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace headrace::net {
namespace {

// A BIO that appends what is written to a vector and never refuses.
int AppendToVector(BIO* bio, const char* bytes, int size) {
  auto* target = static_cast<std::vector<std::byte>*>(BIO_get_data(bio));
  const auto* begin = reinterpret_cast<const std::byte*>(bytes);
  target->insert(target->end(), begin, begin + size);
  return size;
}

// OpenSSL asks for a flush after each flight of the handshake; there is nothing to flush.
long ControlVector(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

const BIO_METHOD* VectorBio() {
  static const BIO_METHOD* const method = [] {
    BIO_METHOD* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "vector");
    HR_CHECK(made != nullptr);
    BIO_meth_set_write(made, AppendToVector);
    BIO_meth_set_ctrl(made, ControlVector);
    return made;
  }();
  return method;
}

}  // namespace

void TlsSession::Freed::operator()(ssl_st* session) const { SSL_free(session); }

Result<std::unique_ptr<TlsSession>> TlsSession::Make(TlsServerContext& context, int descriptor) {
  SSL* const session = context.NewSession();
  if (session == nullptr) return Fail(ErrorCode::kResourceExhausted, "no memory for a TLS session");
  std::unique_ptr<TlsSession> made(new TlsSession(session));
  BIO* const input = BIO_new_socket(descriptor, BIO_NOCLOSE);
  BIO* const output = BIO_new(VectorBio());
  if (input == nullptr || output == nullptr) {
    BIO_free(input);
    BIO_free(output);
    return Fail(ErrorCode::kResourceExhausted, "no memory for a TLS session");
  }
  BIO_set_data(output, &made->outgoing_);
  BIO_set_init(output, 1);
  SSL_set_bio(session, input, output);
  SSL_set_accept_state(session);
  return made;
}

TlsSession::~TlsSession() = default;

Result<TlsSession::Step> TlsSession::Judge(int result, std::string_view attempt) {
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantsInput;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kEnded;
    default:
      break;
  }
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  const std::string text =
      fmt::format("{}: {}", attempt, reason == nullptr ? "the connection broke" : reason);
  ERR_clear_error();
  return Fail(ErrorCode::kUnavailable, text);
}

Result<TlsSession::Step> TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) return Step::kDone;
  return Judge(result, "TLS handshake");
}

Result<TlsSession::Step> TlsSession::Read(std::span<std::byte> target, size_t& count) {
  ERR_clear_error();
  const int result = SSL_read_ex(session_.get(), target.data(), target.size(), &count);
  if (result == 1) return Step::kDone;
  count = 0;
  return Judge(result, "TLS read");
}

Status TlsSession::Encrypt(std::span<const std::byte> plain) {
  while (!plain.empty()) {
    ERR_clear_error();
    size_t count = 0;
    const int result = SSL_write_ex(session_.get(), plain.data(), plain.size(), &count);
    if (result != 1) {
      HR_TRY(Judge(result, "TLS write"));
      return Fail(ErrorCode::kUnavailable, "TLS write: the peer has ended the session");
    }
    plain = plain.subspan(count);
  }
  return Ok();
}

void TlsSession::EndSending() {
  ERR_clear_error();
  if (SSL_is_init_finished(session_.get()) == 1) SSL_shutdown(session_.get());
  ERR_clear_error();
}

bool TlsSession::has_pending() const { return SSL_has_pending(session_.get()) == 1; }

void TlsSession::ReleaseMemory() {
  if (outgoing_.empty()) outgoing_ = std::vector<std::byte>();
}

}  // namespace headrace::net
