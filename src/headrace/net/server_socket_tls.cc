// SPDX-License-Identifier: Apache-2.0
// The TLS side of server_socket.h.
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "headrace/net/server_socket.h"

namespace headrace::net {
namespace {

// Plaintext encrypted before it is sent: eight full records leave in one system call, and the
// ciphertext still lies in the second-level cache when the kernel copies it.
constexpr size_t kBatchBytes = 128 * 1024;

// Bytes of a file on their way into a record. One for each loop: nothing waits between the read and
// the encryption.
std::span<std::byte> FileScratch() {
  thread_local const auto scratch = std::make_unique_for_overwrite<std::byte[]>(kBatchBytes);
  return {scratch.get(), kBatchBytes};
}

}  // namespace

Task<Status> ServerSocket::StartTls(TlsServerContext& context) {
  HR_CO_TRY_ASSIGN(tls_, TlsSession::Make(context.NewSession(), descriptor_));
  while (true) {
    const auto step = tls_->Handshake();
    // An alert tells the peer why; a handshake that failed has nothing else to send.
    HR_CO_TRY(co_await Flush());
    if (!step) co_return std::unexpected(step.error());
    if (*step == TlsSession::Step::kDone) co_return Ok();
    if (*step == TlsSession::Step::kEnded) {
      co_return Fail(ErrorCode::kUnavailable, "the client closed the connection");
    }
    HR_CO_TRY(co_await Wait(asio::ip::tcp::socket::wait_read));
  }
}

Task<Result<size_t>> ServerSocket::ReadSomeTls(std::span<std::byte> target) {
  while (true) {
    size_t count = 0;
    HR_CO_TRY_ASSIGN(const TlsSession::Step step, tls_->Read(target, count));
    // The peer may have asked for new keys.
    if (!tls_->outgoing().empty()) HR_CO_TRY(co_await Flush());
    if (step == TlsSession::Step::kEnded) co_return size_t{0};
    if (step == TlsSession::Step::kDone) {
      moved_bytes_ += count;
      if (++calls_without_wait_ >= kCallsWithoutWaitMax) co_await TakeTurns();
      co_return count;
    }
    HR_CO_TRY(co_await Wait(asio::ip::tcp::socket::wait_read));
  }
}

Task<Status> ServerSocket::Flush() {
  if (!tls_->outgoing().empty()) HR_CO_TRY(co_await WritePlain(tls_->outgoing(), {}, false));
  tls_->ClearOutgoing();
  co_return Ok();
}

// Leaves the last, not full batch in the session.
Task<Status> ServerSocket::WriteTls(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    if (tls_->outgoing().size() >= kBatchBytes) {
      HR_CO_TRY(co_await Flush());
      if (++calls_without_wait_ >= kCallsWithoutWaitMax) co_await TakeTurns();
    }
    const size_t count = std::min(bytes.size(), kBatchBytes);
    HR_CO_TRY(tls_->Encrypt(bytes.first(count)));
    bytes = bytes.subspan(count);
  }
  co_return Ok();
}

Task<Status> ServerSocket::SendFileTls(int file, uint64_t offset, uint64_t size_bytes) {
  while (size_bytes > 0) {
    const auto scratch = FileScratch().first(std::min<uint64_t>(size_bytes, kBatchBytes));
    const ssize_t count = ::pread(file, scratch.data(), scratch.size(), static_cast<off_t>(offset));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) co_return std::unexpected(Error::FromErrno(errno, "read the file"));
    if (count == 0) {
      co_return Fail(ErrorCode::kCorrupt, "the file became shorter while it was sent");
    }
    HR_CO_TRY(tls_->Encrypt(scratch.first(static_cast<size_t>(count))));
    HR_CO_TRY(co_await Flush());
    offset += static_cast<uint64_t>(count);
    size_bytes -= static_cast<uint64_t>(count);
    if (++calls_without_wait_ >= kCallsWithoutWaitMax) co_await TakeTurns();
  }
  co_return Ok();
}

}  // namespace headrace::net
