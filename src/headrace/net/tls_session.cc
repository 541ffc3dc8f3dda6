// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/tls_session.h"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "headrace/net/tls_failure.h"

namespace headrace::net {
namespace {

// Bytes of ciphertext taken from the kernel at once: four full records.
constexpr size_t kReadAheadBytes = 64 * 1024;

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

void SetRecordOptions(ssl_ctx_st& context) {
  SSL_CTX* const raw = &context;
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_options(
      raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  // A peer that sends new keys or tickets without end gets one turn like another.
  SSL_CTX_clear_mode(raw, SSL_MODE_AUTO_RETRY);
  // A large write may end after any record.
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(raw, 1);
  SSL_CTX_set_default_read_buffer_len(raw, kReadAheadBytes);
}

Result<std::unique_ptr<TlsSession>> TlsSession::Make(ssl_st* session, int descriptor) {
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
  return made;
}

TlsSession::~TlsSession() = default;

Result<TlsSession::Step> TlsSession::Judge(int result, std::string_view attempt) {
  const int os_error = errno;
  switch (SSL_get_error(session_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::kWantsInput;
    case SSL_ERROR_ZERO_RETURN:
      return Step::kEnded;
    case SSL_ERROR_SYSCALL:
      if (os_error == 0) break;
      return std::unexpected(
          Error(ErrorCode::kUnavailable,
                fmt::format("{}: {}", attempt, std::generic_category().message(os_error)),
                Origin{.os_error = os_error}));
    default:
      break;
  }
  return Fail(ErrorCode::kUnavailable,
              fmt::format("{}: {}", attempt, TakeTlsReason("the connection broke")));
}

Result<TlsSession::Step> TlsSession::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(session_.get());
  if (result == 1) return Step::kDone;
  return Judge(result, "TLS handshake");
}

std::string_view TlsSession::CertificateProblem() const {
  const long verdict = SSL_get_verify_result(session_.get());
  return verdict == X509_V_OK ? std::string_view() : X509_verify_cert_error_string(verdict);
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
