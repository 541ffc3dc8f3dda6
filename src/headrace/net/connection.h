// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/task.h"
#include "headrace/net/http_client.h"
#include "headrace/net/receive_buffer.h"
#include "headrace/net/tls_client_context.h"
#include "headrace/net/tls_session.h"

namespace headrace::net {

using TcpEndpoints = std::vector<asio::ip::tcp::endpoint>;

// One client socket, plain or TLS, with the bytes read beyond what was asked for. Knows nothing of
// HTTP.
//
// Every wait has an end: Arm sets the moment by which the running operation must have made
// progress; the pool's tick calls ExpireIfDue once it has passed, which closes the socket, and the
// operation ends with the reason.
//
// Threads: its own loop only, but for the stop callback, which posts there.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Executor executor, HttpEndpoint endpoint);

  const HttpEndpoint& endpoint() const { return endpoint_; }

  // Tries the addresses in turn until one answers.
  Task<Status> Connect(const TcpEndpoints& addresses, std::chrono::nanoseconds timeout_each);
  // Ends with a TLS session whose certificate fits endpoint().host, when `verify`.
  Task<Status> StartTls(const TlsClientContext& context, bool verify);

  // Binds the connection to one call: its deadline, its stop token, the place of its answer's body,
  // and the idle timeout between bytes.
  void BeginCall(const HttpCall& call, std::chrono::nanoseconds idle_timeout);
  // Lets go of the call; the connection may then idle.
  void EndCall();

  // Sends all bytes of both runs. Each progress re-arms the idle timeout.
  Task<Status> Write(std::span<const std::byte> first, std::span<const std::byte> second);
  // The same without a task; false: not all of it can go at once, or not without trouble. What went
  // is taken from the runs, the rest is Write's.
  bool WriteAtOnce(std::span<const std::byte>& first, std::span<const std::byte>& second);
  // Reads some bytes, those that are here first; 0: the peer has closed its side.
  Task<Result<size_t>> ReadSome(std::span<std::byte> target);
  // The same without a task; 0: none are here.
  size_t ReadAtOnce(std::span<std::byte> target);
  // Receives more of a head into received(); 0: the peer has closed its side.
  Task<Result<size_t>> FillBuffer();
  // What was received ahead of its reader.
  ReceiveBuffer& received() { return received_; }
  // Something was, here or inside TLS.
  bool has_unread() const { return received_.has_unread() || (tls_ && tls_->has_pending()); }

  // From now on the running operation has until `span` from now, or the call's deadline.
  void Arm(std::chrono::nanoseconds span);
  // Closes the connection when its moment has passed.
  void ExpireIfDue(SteadyTime now);
  bool is_open() const { return socket_.is_open() && !ended_by_; }
  // False when the peer has closed or sent something unasked: not usable for another request.
  bool LooksUsable() const;

  // Kept by the pool: while the connection idles, and its place among the active ones.
  SteadyTime idle_since{};
  size_t active_index = 0;

 private:
  void Abort(ErrorCode reason);
  // The error of a failed operation: the reason it was aborted for, or the system's.
  Error Failure(std::string_view attempt, const boost::system::error_code& error) const;
  // Makes a socket that has just been connected ready for calls.
  boost::system::error_code Settle(const asio::ip::tcp& protocol);
  enum class Into : uint8_t { kReader, kBuffer };
  Task<Status> AwaitReadable(std::string_view attempt);
  Task<Status> FlushTls();
  Task<Result<size_t>> ReadTls(std::span<std::byte> target);
  Task<Result<size_t>> ReadSocket(ReceiveBuffer::Room room, Into into);
  // Without waiting; nothing: there is nothing yet.
  std::optional<Result<size_t>> TryReceive(const ReceiveBuffer::Room& room);
  void Account(size_t got, const ReceiveBuffer::Room& room, Into into);
  // Waits first: the landing's memory is found once there is something for it.
  Task<Result<size_t>> FillLanding();
  Task<Result<size_t>> ReadAhead(std::span<std::byte> target);
  Task<Status> WritePlain(std::span<const std::byte> first, std::span<const std::byte> second);
  Task<Status> WriteTls(std::span<const std::byte> first, std::span<const std::byte> second);

  struct StopPost {
    Executor executor;
    std::weak_ptr<Connection> connection;
    uint64_t call_number;
    void operator()() const;
  };

  Executor executor_;
  HttpEndpoint endpoint_;
  asio::ip::tcp::socket socket_;
  // Never called once ended_by_ says that its socket is closed: the number may be another's.
  std::unique_ptr<TlsSession> tls_;
  size_t read_without_wait_bytes_ = 0;  // Of TLS, since other connections last had a turn.

  ReceiveBuffer received_;

  // Nothing is in the socket: the last receive took less than there was room for, or a request was
  // sent since. A receive would only say so.
  bool is_drained_ = false;

  std::optional<SteadyTime> expires_at_;
  Deadline deadline_;
  std::chrono::nanoseconds idle_timeout_{0};
  uint64_t call_number_ = 0;
  std::optional<ErrorCode> ended_by_;
  std::optional<std::stop_callback<StopPost>> stop_callback_;
};

}  // namespace headrace::net
