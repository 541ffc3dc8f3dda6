// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include <boost/asio/ip/tcp.hpp>

#include "headrace/base/error.h"
#include "headrace/base/task.h"
#include "headrace/net/tls_server_context.h"
#include "headrace/net/tls_session.h"

namespace headrace::net {

// An accepted connection, plain or TLS. Each operation first tries its system call and waits on the
// event loop only when the kernel would block. Threads: used on the loop of its socket alone.
class ServerSocket {
 public:
  // Makes the socket non-blocking and turns Nagle's delay off.
  explicit ServerSocket(asio::ip::tcp::socket socket);

  // Shakes hands; from then on everything passes through TLS. Before any other operation.
  Task<Status> StartTls(TlsServerContext& context);

  // Ends when there is something to read, the peer has closed or the socket was shut down.
  Task<Status> WaitReadable();
  // Reads some bytes; 0: the peer has ended its side.
  Task<Result<size_t>> ReadSome(std::span<std::byte> target);
  // Writes head and body as one gathered run of bytes. `more` tells the kernel that more follows.
  Task<Status> Write(std::span<const std::byte> head, std::span<const std::byte> body,
                     bool more = false);
  // Sends bytes of an open file; without TLS they do not pass through this process. kCorrupt when
  // the file turns out shorter.
  Task<Status> SendFile(int file, uint64_t offset, uint64_t size_bytes);

  // Bytes moved either way since the start: tells a slow peer from one that has stopped.
  uint64_t moved_bytes() const { return moved_bytes_; }

  // Ends both directions; whoever waits wakes up and fails.
  void Shutdown();
  // Ends the peer's direction: whoever waits for bytes reads the end.
  void ShutdownReceive();
  // Closing will drop what was not sent yet and reset the connection.
  void ResetOnClose();
  // Ends our direction: the peer reads what was sent, then the end.
  void ShutdownSend();

 private:
  // A connection that never has to wait gives the others a turn after this many system calls: 32
  // reads of a socket buffer are a few MiB, about a millisecond.
  static constexpr uint32_t kCallsWithoutWaitMax = 32;

  Task<Status> Wait(asio::ip::tcp::socket::wait_type what);
  Task<void> TakeTurns();
  Task<Status> WritePlain(std::span<const std::byte> head, std::span<const std::byte> body,
                          bool more);
  Task<Status> SendFilePlain(int file, uint64_t offset, uint64_t size_bytes);
  Task<Result<size_t>> ReadSomeTls(std::span<std::byte> target);
  Task<Status> WriteTls(std::span<const std::byte> bytes);
  Task<Status> SendFileTls(int file, uint64_t offset, uint64_t size_bytes);
  // Sends what the TLS session has to send.
  Task<Status> Flush();

  asio::ip::tcp::socket socket_;
  int descriptor_;
  std::unique_ptr<TlsSession> tls_;  // Null: plain.
  // System calls since this connection last waited: a fast peer must not starve the others.
  uint32_t calls_without_wait_ = 0;
  uint64_t moved_bytes_ = 0;
};

}  // namespace headrace::net
