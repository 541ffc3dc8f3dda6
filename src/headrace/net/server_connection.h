// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>

#include "headrace/base/clock.h"
#include "headrace/net/chunk_framing.h"
#include "headrace/net/head_parser.h"
#include "headrace/net/http_server.h"
#include "headrace/net/pace.h"
#include "headrace/net/server_socket.h"

namespace headrace::net {

// What all connections of one loop share. Used on that loop alone, except the two atomics.
struct ServerShard {
  const HttpServerOptions* options = nullptr;
  HttpHandler* handler = nullptr;
  // Steady and wall time as of the last tick: coarse (a second), and free to read.
  SteadyTime now{};
  std::string date;  // For the Date header.
  std::unordered_set<ServerConnection*> connections;
  std::atomic<bool> is_stopping = false;
  std::atomic<uint64_t> request_count = 0;
};

// Reads requests off one connection, one after the other, and hands each to the handler.
class ServerConnection {
 public:
  ServerConnection(asio::ip::tcp::socket socket, ServerShard& shard, std::string remote_address);
  ~ServerConnection();
  ServerConnection(const ServerConnection&) = delete;
  ServerConnection& operator=(const ServerConnection&) = delete;

  // Serves until either side ends the connection.
  Task<void> Run();

  // Ends the connection when its peer is too slow; called once a second.
  void EndIfStalled();
  // Ends the connection now, or with `when_idle`, only if no request is running on it.
  void End(bool when_idle);

 private:
  friend class HttpServerCall;
  // What the connection waits for: the TLS handshake, a request's first byte, the rest of its head,
  // bytes of its body, the peer's reading of the answer, the handler, while the socket may be
  // silent, or, when everything is said, the peer's closing.
  enum class Phase : uint8_t { kHandshake, kIdle, kHead, kBody, kSend, kHandler, kLinger };

  Task<Status> Fill();
  Task<std::optional<ParsedHead<HttpRequestHead>>> ReadHead();
  Task<bool> ServeOne();
  Task<void> RefuseHead(int status, std::string message);
  Task<bool> DrainBody(HttpServerCall& call);
  Task<void> LingerClose();

  void StartBody(const ParsedHead<HttpRequestHead>& parsed);
  Task<Result<size_t>> ReadBody(std::span<std::byte> target);
  Task<Result<size_t>> ReadLengthBody(std::span<std::byte> target);
  Task<Result<size_t>> ReadChunkedBody(std::span<std::byte> target);
  Task<Result<size_t>> ReadRaw(std::span<std::byte> target);
  bool body_is_done() const { return is_chunked_ ? chunks_.is_done() : body_left_bytes_ == 0; }

  // The answer's start line and fields, in a buffer that lives until the next call.
  std::span<const std::byte> Serialize(const HttpResponseHead& head,
                                       std::optional<uint64_t> content_length, bool is_chunked);
  void SetPhase(Phase phase);
  bool IsTooSlow();

  // Waits until the pace lets some of `wanted` bytes move and says how many.
  static Task<size_t> AwaitPace(Pace& pace, size_t wanted);
  // False: the connection is to be reset instead.
  bool BeginAnswer(uint64_t body_size_bytes);
  // How many of `wanted` body bytes go before a reset that was asked for; 0: reset now.
  size_t BeforeReset(size_t wanted);
  std::unexpected<Error> Reset();
  // An answer's head and body, or bytes of its body, at the connection's pace.
  Task<Status> Send(std::span<const std::byte> head, std::span<const std::byte> body, bool more);
  Task<Status> SendFile(int file, uint64_t offset, uint64_t size_bytes);
  std::span<char> unread() { return {input_.get() + input_begin_, input_end_ - input_begin_}; }

  ServerSocket socket_;
  ServerShard& shard_;
  std::string remote_address_;

  // Received and not yet used: [input_begin_, input_end_). Given back while the connection is idle,
  // so that 10,000 idle ones cost little.
  std::unique_ptr<char[]> input_;
  size_t input_size_ = 0;
  size_t input_begin_ = 0;
  size_t input_end_ = 0;

  bool is_chunked_ = false;
  bool awaits_continue_ = false;
  uint64_t body_left_bytes_ = 0;
  ChunkFraming chunks_;

  bool keep_alive_ = true;
  bool was_http_1_0_ = false;
  bool is_head_request_ = false;
  std::string output_;

  Phase phase_ = Phase::kIdle;
  SteadyTime phase_since_;  // In kSend: or since bytes last moved.
  uint64_t moved_bytes_seen_ = 0;
  // Ticks in which the body was waited for, and bytes moved, since the measure began.
  uint32_t body_ticks_ = 0;
  uint64_t body_began_bytes_ = 0;
  bool has_timed_out_ = false;  // While a head or a body came.

  Pace receive_pace_;
  Pace send_pace_;
  std::optional<double> reset_share_;
  std::optional<uint64_t> bytes_before_reset_;
  bool is_reset_ = false;
};

}  // namespace headrace::net
