// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "headrace/base/error.h"

// OpenSSL's own names for SSL and SSL_CTX.
struct ssl_st;
struct ssl_ctx_st;

namespace headrace::net {

// How sessions of a context treat records: TLS 1.2 and 1.3, several records to a read of the
// socket, no memory while there are none, and an end without a goodbye is an end like another:
// HTTP's lengths tell a truncated body.
void SetRecordOptions(ssl_ctx_st& context);

// One side of TLS on one connected socket. Ciphertext is read from the socket without
// blocking; ciphertext to send gathers in `outgoing`, for the owner to send, so that many records
// leave in one system call.
// Threads: used on the loop of its socket alone.
class TlsSession {
 public:
  enum class Step : uint8_t { kDone, kWantsInput, kEnded };

  // Takes `session`, which knows its side; null fails as out of memory. `descriptor` stays the
  // caller's: no method but the destructor is called once it is closed.
  static Result<std::unique_ptr<TlsSession>> Make(ssl_st* session, int descriptor);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Goes on with the handshake as far as the input reaches. kUnavailable: the peer does not
  // speak TLS, or no version or cipher that is spoken here.
  Result<Step> Handshake();
  // Why the peer's certificate failed the handshake; empty: it did not.
  std::string_view CertificateProblem() const;
  // Plaintext into `target`, which is not empty: of one record at most; `count` says how much when
  // kDone. kEnded: the peer has ended its side.
  Result<Step> Read(std::span<std::byte> target, size_t& count);
  // Encrypts all of `plain` into `outgoing`.
  Status Encrypt(std::span<const std::byte> plain);
  // Says goodbye into `outgoing`.
  void EndSending();

  // True: Read may have bytes although the socket has none.
  bool has_pending() const;
  std::span<const std::byte> outgoing() const { return outgoing_; }
  // After it was sent. Keeps the memory for the next records.
  void ClearOutgoing() { outgoing_.clear(); }
  // Gives the memory back, while the connection idles.
  void ReleaseMemory();

 private:
  struct Freed {
    void operator()(ssl_st* session) const;
  };

  explicit TlsSession(ssl_st* session) : session_(session) {}
  // What a call of OpenSSL that did not succeed means.
  Result<Step> Judge(int result, std::string_view attempt);

  std::vector<std::byte> outgoing_;  // The session writes here, so it goes first.
  std::unique_ptr<ssl_st, Freed> session_;
};

}  // namespace headrace::net
