// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/connection.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace headrace::net {
namespace {

using boost::system::error_code;

// What a socket's buffer takes as it is.
constexpr size_t kAtOnceBytesMax = 64 * 1024;
// Bytes written without suspending before other connections of the loop get their turn.
constexpr size_t kTurnBytes = 4 << 20;
// The same of bytes that are encrypted or decrypted, which takes longer: about a millisecond.
constexpr size_t kTlsTurnBytes = 1 << 20;
// Plaintext encrypted before it is sent: several records leave in one system call.
constexpr size_t kTlsBatchBytes = 128 * 1024;

bool WouldBlock(int os_error) { return os_error == EAGAIN || os_error == EWOULDBLOCK; }

error_code SystemError(int os_error) { return {os_error, boost::system::system_category()}; }

}  // namespace

Connection::Connection(Executor executor, HttpEndpoint endpoint)
    : executor_(std::move(executor)), endpoint_(std::move(endpoint)), socket_(executor_) {}

void Connection::StopPost::operator()() const {
  asio::post(executor, [weak = connection, number = call_number] {
    const auto connection = weak.lock();
    if (connection && connection->call_number_ == number) connection->Abort(ErrorCode::kCancelled);
  });
}

void Connection::BeginCall(const HttpCall& call, std::chrono::nanoseconds idle_timeout) {
  ++call_number_;
  deadline_ = call.deadline;
  idle_timeout_ = idle_timeout;
  // A TLS record is decrypted as a whole: what lies behind the head in it can not land.
  received_.BeginAnswer(call.endpoint.is_tls ? ByteTarget() : call.landing);
  stop_callback_.reset();
  if (call.stop.stop_possible()) {
    StopPost post{
        .executor = executor_, .connection = weak_from_this(), .call_number = call_number_};
    stop_callback_.emplace(call.stop, std::move(post));
  }
}

void Connection::EndCall() {
  stop_callback_.reset();
  expires_at_.reset();
  received_.EndAnswer();
  if (tls_) tls_->ReleaseMemory();
  ++call_number_;
}

void Connection::Arm(std::chrono::nanoseconds span) {
  const SteadyTime now = std::chrono::steady_clock::now();
  expires_at_ = Deadline::After(span, now).Earlier(deadline_).at();
}

void Connection::ExpireIfDue(SteadyTime now) {
  if (expires_at_ && now >= *expires_at_) Abort(ErrorCode::kTimedOut);
}

void Connection::Abort(ErrorCode reason) {
  if (ended_by_) return;
  ended_by_ = reason;
  error_code ignored;
  socket_.close(ignored);
}

Error Connection::Failure(std::string_view attempt, const error_code& error) const {
  const std::string peer = HostHeader(endpoint_);
  if (ended_by_ == ErrorCode::kTimedOut) {
    return {ErrorCode::kTimedOut, fmt::format("{} {}: no progress in time", attempt, peer)};
  }
  if (ended_by_) return {*ended_by_, fmt::format("{} {}: cancelled", attempt, peer)};
  return {ErrorCode::kUnavailable, fmt::format("{} {}: {}", attempt, peer, error.message()),
          Origin{.os_error = error.value()}};
}

error_code Connection::Settle(const asio::ip::tcp& protocol) {
  error_code error;
  // Waiting for the connection was waiting to write, which Asio goes on with at each later wait:
  // each wait for an answer would wake the loop once for nothing, since a request can nearly always
  // be written. A socket that is registered anew waits for what it is asked to, until it has to
  // wait to write.
  const int socket = socket_.release(error);
  if (error) return error;
  socket_.assign(protocol, socket, error);
  if (error) {
    close(socket);
    return error;
  }
  socket_.set_option(asio::ip::tcp::no_delay(true), error);
  socket_.non_blocking(true, error);
  return error;
}

Task<Status> Connection::Connect(const TcpEndpoints& addresses,
                                 std::chrono::nanoseconds timeout_each) {
  Error last(ErrorCode::kUnavailable, "connect to " + HostHeader(endpoint_) + ": no address");
  for (const auto& address : addresses) {
    error_code error;
    // Cancelled while there was no socket yet that could be closed.
    if (ended_by_) co_return std::unexpected(Failure("connect to", error));
    socket_ = asio::ip::tcp::socket(executor_);
    Arm(timeout_each);
    co_await socket_.async_connect(address, asio::redirect_error(asio::use_awaitable, error));
    if (!error && !ended_by_) error = Settle(address.protocol());
    if (!error && !ended_by_) co_return Ok();
    last = Failure("connect to", error);
    if (ended_by_ == ErrorCode::kCancelled) break;
    if (deadline_.HasPassed(std::chrono::steady_clock::now())) break;
    ended_by_.reset();
  }
  co_return std::unexpected(last);
}

Task<Status> Connection::AwaitReadable(std::string_view attempt) {
  error_code error;
  co_await socket_.async_wait(asio::ip::tcp::socket::wait_read,
                              asio::redirect_error(asio::use_awaitable, error));
  if (error || ended_by_) co_return std::unexpected(Failure(attempt, error));
  co_return Ok();
}

Task<Status> Connection::StartTls(const TlsClientContext& context, bool verify) {
  constexpr std::string_view kAttempt = "TLS handshake with";
  if (ended_by_) co_return std::unexpected(Failure(kAttempt, error_code()));
  HR_CO_TRY_ASSIGN(ssl_st* const session, context.NewSession(endpoint_.host, verify));
  HR_CO_TRY_ASSIGN(tls_, TlsSession::Make(session, socket_.native_handle()));
  Arm(idle_timeout_);
  while (true) {
    const auto step = tls_->Handshake();
    const std::string problem(verify && !step ? tls_->CertificateProblem() : std::string_view());
    // An alert tells the peer why; a handshake that failed has nothing else to send.
    const Status sent = co_await FlushTls();
    if (!problem.empty()) {
      // No other try would bring another certificate.
      co_return Fail(
          ErrorCode::kPermissionDenied,
          fmt::format(
              "TLS with {}: its certificate is not to be trusted ({}); name its authority's "
              "file in AWS_CA_BUNDLE, or accept any certificate with --no-verify-ssl",
              HostHeader(endpoint_), problem));
    }
    if (!step) co_return std::unexpected(Error(step.error()).While(HostHeader(endpoint_)));
    HR_CO_TRY(sent);
    if (*step == TlsSession::Step::kDone) co_return Ok();
    if (*step == TlsSession::Step::kEnded) {
      co_return std::unexpected(Failure(kAttempt, asio::error::eof));
    }
    HR_CO_TRY(co_await AwaitReadable(kAttempt));
  }
}

Task<Status> Connection::WritePlain(std::span<const std::byte> first,
                                    std::span<const std::byte> second) {
  size_t since_turn = 0;
  while (!first.empty() || !second.empty()) {
    std::array<iovec, 2> pieces{iovec{const_cast<std::byte*>(first.data()), first.size()},
                                iovec{const_cast<std::byte*>(second.data()), second.size()}};
    msghdr message{};
    message.msg_iov = pieces.data();
    message.msg_iovlen = pieces.size();
    const ssize_t sent = ended_by_ ? -1 : sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
    const int os_error = ended_by_ ? ECANCELED : errno;
    if (sent < 0 && os_error == EINTR) continue;
    if (sent < 0 && !WouldBlock(os_error)) {
      co_return std::unexpected(Failure("send to", SystemError(os_error)));
    }
    const auto count = sent < 0 ? 0 : static_cast<size_t>(sent);
    const size_t of_first = std::min(count, first.size());
    first = first.subspan(of_first);
    second = second.subspan(count - of_first);
    if (count > 0) Arm(idle_timeout_);
    since_turn += count;
    if (sent < 0 || since_turn >= kTurnBytes) {
      since_turn = 0;
      error_code error;
      co_await socket_.async_wait(asio::ip::tcp::socket::wait_write,
                                  asio::redirect_error(asio::use_awaitable, error));
      if (error || ended_by_) co_return std::unexpected(Failure("send to", error));
    }
  }
  co_return Ok();
}

Task<Status> Connection::Write(std::span<const std::byte> first,
                               std::span<const std::byte> second) {
  Arm(idle_timeout_);
  is_drained_ = true;
  return tls_ ? WriteTls(first, second) : WritePlain(first, second);
}

Task<Status> Connection::FlushTls() {
  if (!tls_->outgoing().empty()) HR_CO_TRY(co_await WritePlain(tls_->outgoing(), {}));
  tls_->ClearOutgoing();
  co_return Ok();
}

Task<Status> Connection::WriteTls(std::span<const std::byte> first,
                                  std::span<const std::byte> second) {
  size_t since_turn = 0;
  for (std::span<const std::byte> rest : {first, second}) {
    while (!rest.empty()) {
      if (since_turn >= kTlsTurnBytes) {
        since_turn = 0;
        co_await asio::post(executor_, asio::use_awaitable);
      }
      if (ended_by_) co_return std::unexpected(Failure("send to", error_code()));
      const auto batch = rest.first(std::min(rest.size(), kTlsBatchBytes));
      HR_CO_TRY(tls_->Encrypt(batch));
      rest = rest.subspan(batch.size());
      since_turn += batch.size();
      if (tls_->outgoing().size() >= kTlsBatchBytes) HR_CO_TRY(co_await FlushTls());
    }
  }
  co_return co_await FlushTls();
}

bool Connection::WriteAtOnce(std::span<const std::byte>& first,
                             std::span<const std::byte>& second) {
  if (tls_ || ended_by_ || first.size() + second.size() > kAtOnceBytesMax) return false;
  std::array<iovec, 2> pieces{iovec{const_cast<std::byte*>(first.data()), first.size()},
                              iovec{const_cast<std::byte*>(second.data()), second.size()}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = second.empty() ? 1 : 2;
  is_drained_ = true;
  Arm(idle_timeout_);
  const ssize_t sent = sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL);
  if (sent < 0) return false;
  const auto count = static_cast<size_t>(sent);
  const size_t of_first = std::min(count, first.size());
  first = first.subspan(of_first);
  second = second.subspan(count - of_first);
  return first.empty() && second.empty();
}

std::optional<Result<size_t>> Connection::TryReceive(const ReceiveBuffer::Room& room) {
  std::array<iovec, 2> pieces{iovec{room[0].data(), room[0].size()},
                              iovec{room[1].data(), room[1].size()}};
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  const int socket = socket_.native_handle();
  const ssize_t got = room[1].empty() ? recv(socket, room[0].data(), room[0].size(), 0)
                                      : recvmsg(socket, &message, 0);
  if (got >= 0) return static_cast<size_t>(got);
  if (WouldBlock(errno) || errno == EINTR) return std::nullopt;
  return std::unexpected(Failure("receive from", SystemError(errno)));
}

void Connection::Account(size_t got, const ReceiveBuffer::Room& room, Into into) {
  Arm(idle_timeout_);
  is_drained_ = got < room[0].size() + room[1].size();
  if (into == Into::kBuffer) received_.Commit(got);
}

Task<Result<size_t>> Connection::ReadTls(std::span<std::byte> target) {
  if (target.empty()) co_return size_t{0};
  if (read_without_wait_bytes_ >= kTlsTurnBytes) {
    read_without_wait_bytes_ = 0;
    co_await asio::post(executor_, asio::use_awaitable);
  }
  while (true) {
    if (ended_by_) co_return std::unexpected(Failure("receive from", error_code()));
    size_t count = 0;
    auto step = tls_->Read(target, count);
    if (!step) co_return std::unexpected(std::move(step).error().While(HostHeader(endpoint_)));
    read_without_wait_bytes_ += count;
    if (*step != TlsSession::Step::kWantsInput) co_return count;
    // The peer may have asked for new keys.
    HR_CO_TRY(co_await FlushTls());
    HR_CO_TRY(co_await AwaitReadable("receive from"));
    read_without_wait_bytes_ = 0;
  }
}

Task<Result<size_t>> Connection::ReadSocket(ReceiveBuffer::Room room, Into into) {
  if (ended_by_) co_return std::unexpected(Failure("receive from", error_code()));
  if (tls_) {
    HR_CO_TRY_ASSIGN(const size_t got, co_await ReadTls(room[0]));
    if (got > 0) Account(got, room, into);
    co_return got;
  }
  if (!is_drained_) {
    if (auto got = TryReceive(room)) {
      if (*got) Account(**got, room, into);
      co_return std::move(*got);
    }
  }
  error_code error;
  size_t got = 0;
  const asio::mutable_buffer first(room[0].data(), room[0].size());
  if (room[1].empty()) {
    got = co_await socket_.async_read_some(first, asio::redirect_error(asio::use_awaitable, error));
  } else {
    const std::array<asio::mutable_buffer, 2> both{
        first, asio::mutable_buffer(room[1].data(), room[1].size())};
    got = co_await socket_.async_read_some(both, asio::redirect_error(asio::use_awaitable, error));
  }
  if (ended_by_) co_return std::unexpected(Failure("receive from", error));
  if (error == asio::error::eof) co_return 0;
  if (error) co_return std::unexpected(Failure("receive from", error));
  Account(got, room, into);
  co_return got;
}

size_t Connection::ReadAtOnce(std::span<std::byte> target) { return received_.Read(target); }

Task<Result<size_t>> Connection::ReadAhead(std::span<std::byte> target) {
  co_return received_.Read(target);
}

Task<Result<size_t>> Connection::ReadSome(std::span<std::byte> target) {
  if (!target.empty() && received_.has_unread()) return ReadAhead(target);
  return ReadSocket({target, {}}, Into::kReader);
}

Task<Result<size_t>> Connection::FillLanding() {
  if (is_drained_) HR_CO_TRY(co_await AwaitReadable("receive from"));
  is_drained_ = false;
  co_return co_await ReadSocket(received_.NextRoom(), Into::kBuffer);
}

Task<Result<size_t>> Connection::FillBuffer() {
  if (received_.is_about_to_land()) return FillLanding();
  return ReadSocket(received_.NextRoom(), Into::kBuffer);
}

bool Connection::LooksUsable() const {
  if (!is_open() || has_unread()) return false;
  char byte = 0;
  auto& socket = const_cast<asio::ip::tcp::socket&>(socket_);
  const ssize_t got = recv(socket.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && WouldBlock(errno);
}

}  // namespace headrace::net
