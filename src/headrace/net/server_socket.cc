// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/server_socket.h"

#include <netinet/tcp.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace headrace::net {
namespace {

// One sendfile call moves at most this much, so that a fast peer gives turns too.
constexpr uint64_t kSendFileBytesMax = 2U << 20U;

Error SocketError(int os_error, std::string_view attempt) {
  return Error::FromErrno(os_error, attempt);
}

}  // namespace

ServerSocket::ServerSocket(asio::ip::tcp::socket socket)
    : socket_(std::move(socket)), descriptor_(socket_.native_handle()) {
  boost::system::error_code ignored;
  socket_.native_non_blocking(true, ignored);
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
}

Task<Status> ServerSocket::Wait(asio::ip::tcp::socket::wait_type what) {
  calls_without_wait_ = 0;
  boost::system::error_code error;
  co_await socket_.async_wait(what, asio::redirect_error(asio::use_awaitable, error));
  if (error) co_return std::unexpected(SocketError(error.value(), "wait for the connection"));
  co_return Ok();
}

Task<void> ServerSocket::TakeTurns() {
  calls_without_wait_ = 0;
  co_await asio::post(socket_.get_executor(), asio::use_awaitable);
}

Task<Status> ServerSocket::WaitReadable() {
  if (tls_) {
    if (tls_->has_pending()) co_return Ok();
    tls_->ReleaseMemory();
  }
  co_return co_await Wait(asio::ip::tcp::socket::wait_read);
}

Task<Result<size_t>> ServerSocket::ReadSome(std::span<std::byte> target) {
  if (tls_) co_return co_await ReadSomeTls(target);
  while (true) {
    const ssize_t count = ::recv(descriptor_, target.data(), target.size(), 0);
    if (count >= 0) {
      moved_bytes_ += static_cast<uint64_t>(count);
      if (++calls_without_wait_ >= kCallsWithoutWaitMax) co_await TakeTurns();
      co_return static_cast<size_t>(count);
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return std::unexpected(SocketError(errno, "read the connection"));
    HR_CO_TRY(co_await Wait(asio::ip::tcp::socket::wait_read));
  }
}

Task<Status> ServerSocket::Write(std::span<const std::byte> head, std::span<const std::byte> body,
                                 bool more) {
  if (!tls_) co_return co_await WritePlain(head, body, more);
  HR_CO_TRY(tls_->Encrypt(head));
  HR_CO_TRY(co_await WriteTls(body));
  if (more) co_return Ok();
  co_return co_await Flush();
}

Task<Status> ServerSocket::WritePlain(std::span<const std::byte> head,
                                      std::span<const std::byte> body, bool more) {
  while (!head.empty() || !body.empty()) {
    std::array<iovec, 2> pieces{
        iovec{.iov_base = const_cast<std::byte*>(head.data()), .iov_len = head.size()},
        iovec{.iov_base = const_cast<std::byte*>(body.data()), .iov_len = body.size()}};
    msghdr message{};
    message.msg_iov = head.empty() ? &pieces[1] : pieces.data();
    message.msg_iovlen = head.empty() || body.empty() ? 1 : 2;
    const ssize_t count = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL | (more ? MSG_MORE : 0));
    if (count < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) co_return std::unexpected(SocketError(errno, "write the connection"));
      HR_CO_TRY(co_await Wait(asio::ip::tcp::socket::wait_write));
      continue;
    }
    moved_bytes_ += static_cast<uint64_t>(count);
    const size_t of_head = std::min(static_cast<size_t>(count), head.size());
    head = head.subspan(of_head);
    body = body.subspan(static_cast<size_t>(count) - of_head);
  }
  co_return Ok();
}

Task<Status> ServerSocket::SendFile(int file, uint64_t offset, uint64_t size_bytes) {
  if (tls_) co_return co_await SendFileTls(file, offset, size_bytes);
  co_return co_await SendFilePlain(file, offset, size_bytes);
}

Task<Status> ServerSocket::SendFilePlain(int file, uint64_t offset, uint64_t size_bytes) {
  auto position = static_cast<off_t>(offset);
  while (size_bytes > 0) {
    const size_t piece = std::min(size_bytes, kSendFileBytesMax);
    const ssize_t count = ::sendfile(descriptor_, file, &position, piece);
    if (count > 0) {
      moved_bytes_ += static_cast<uint64_t>(count);
      size_bytes -= static_cast<uint64_t>(count);
      if (++calls_without_wait_ >= kCallsWithoutWaitMax) co_await TakeTurns();
      continue;
    }
    if (count == 0)
      co_return Fail(ErrorCode::kCorrupt, "the file became shorter while it was sent");
    if (errno == EINTR) continue;
    if (errno != EAGAIN) co_return std::unexpected(SocketError(errno, "send the file"));
    HR_CO_TRY(co_await Wait(asio::ip::tcp::socket::wait_write));
  }
  co_return Ok();
}

void ServerSocket::Shutdown() { ::shutdown(descriptor_, SHUT_RDWR); }

void ServerSocket::ShutdownReceive() { ::shutdown(descriptor_, SHUT_RD); }

void ServerSocket::ResetOnClose() {
  // Past Asio on purpose: it would take the option back before it closes.
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

void ServerSocket::ShutdownSend() {
  if (tls_) {
    // A close_notify that does not fit into the socket's buffer is given up: the lengths of the
    // answers have told the peer where they end.
    tls_->EndSending();
    const auto goodbye = tls_->outgoing();
    (void)::send(descriptor_, goodbye.data(), goodbye.size(), MSG_NOSIGNAL);
    tls_->ClearOutgoing();
  }
  ::shutdown(descriptor_, SHUT_WR);
}

}  // namespace headrace::net
