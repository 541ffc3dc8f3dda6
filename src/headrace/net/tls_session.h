// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "headrace/base/error.h"
#include "headrace/net/tls_server_context.h"

namespace headrace::net {

// The server's side of TLS on one accepted socket. Ciphertext is read from the socket without
// blocking; ciphertext to send gathers in `outgoing`, for the owner to send, so that many records
// leave in one system call.
// Threads: used on the loop of its socket alone.
class TlsSession {
 public:
  enum class Step : uint8_t { kDone, kWantsInput, kEnded };

  // `descriptor` stays the caller's and outlives the session.
  static Result<std::unique_ptr<TlsSession>> Make(TlsServerContext& context, int descriptor);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Goes on with the handshake as far as the input reaches. kInvalidArgument: the peer does not
  // speak TLS, or no version or cipher that is spoken here.
  Result<Step> Handshake();
  // Plaintext into `target`; `count` says how much when kDone. kEnded: the peer has ended its side.
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
