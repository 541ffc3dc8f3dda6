// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/task.h"
#include "headrace/net/head_parser.h"
#include "headrace/net/http_message.h"
#include "headrace/net/tls_server_context.h"

namespace headrace::net {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // An address, or a name that resolves to one.
  uint16_t port = 0;               // 0: any free one.
  // Connections above this are closed at once. 10,000 idle clients and some room.
  size_t connections_max = 16'384;
  // Null: plain http. Outlives the server.
  TlsServerContext* tls = nullptr;
  // From accepting a connection to the end of its TLS handshake, however busily it drips.
  std::chrono::seconds handshake_timeout{10};
  // A kept-alive connection with no request. Longer than the idle pools of the AWS SDKs (60 s), so
  // that the client closes first and never races us.
  std::chrono::seconds idle_timeout{75};
  // From a request head's first byte to its last.
  std::chrono::seconds head_timeout{20};
  // A longer head is refused; at most kHeadBytesMax.
  size_t head_bytes_max = kHeadBytesMax;
  // A request body must bring `body_rate_min_bytes` a second on average over this long, not
  // counting the time in which we were not reading. S3 gives up after some 20 seconds of silence;
  // 1,000 bytes a second is below any line that could carry an object and keeps drippers out.
  std::chrono::seconds body_timeout{30};
  uint64_t body_rate_min_bytes = 1000;
  // An answer that is not read any more. Long: a training job may stop reading while it validates.
  std::chrono::seconds send_timeout{300};
  // What one connection moves in a second at most, each way; 0: no limit. Rehearses a distant
  // store.
  uint64_t connection_rate_bytes = 0;
  // After Stop, how long running requests may take to finish before their connections are closed.
  std::chrono::seconds drain_timeout{10};
  // Stop waits for handlers of closed connections however long they take, and says so this often.
  std::chrono::milliseconds stop_report_interval{5000};
  // What is read and dropped of a body that the handler left, to keep the connection; beyond it the
  // connection closes.
  uint64_t unread_body_bytes_max = 256 * 1024;
};

class ServerConnection;

// One request and the way to answer it. Exactly one of Respond, RespondFile and StartResponse is
// called; a handler that calls none closes the connection.
// Threads: used by the handler's task on the connection's loop.
class HttpServerCall {
 public:
  HttpServerCall(ServerConnection& connection, HttpRequestHead head, HttpBodyFraming framing)
      : connection_(connection), head_(std::move(head)), framing_(framing) {}
  HttpServerCall(const HttpServerCall&) = delete;
  HttpServerCall& operator=(const HttpServerCall&) = delete;

  const HttpRequestHead& head() const { return head_; }
  const HttpBodyFraming& framing() const { return framing_; }
  bool has_body() const { return framing_.is_chunked || framing_.content_length.value_or(0) > 0; }
  // "127.0.0.1"; the connection's peer.
  const std::string& remote_address() const;

  // Reads some bytes of the body; 0: it has ended. Sends "100 Continue" first when the client waits
  // for it. kUnavailable when the connection broke, kCorrupt for broken chunked framing.
  Task<Result<size_t>> ReadBody(std::span<std::byte> target);

  // Answers from memory. Content-Length, Date and Connection are added; a Content-Length already
  // there is kept (answers to HEAD). The body is not sent for HEAD, 204 and 304.
  Task<Status> Respond(const HttpResponseHead& head, std::span<const std::byte> body);
  // Answers with bytes of an open file, which stays the caller's.
  Task<Status> RespondFile(const HttpResponseHead& head, int file, uint64_t offset,
                           uint64_t size_bytes);
  // Starts an answer whose body follows in pieces; without a length it is sent chunked. A body of
  // another length than announced, or that is not finished, ends the connection.
  Task<Status> StartResponse(const HttpResponseHead& head, std::optional<uint64_t> size_bytes);
  Task<Status> WriteBody(std::span<const std::byte> bytes);
  Task<Status> FinishResponse();

  // Ends the connection now, in the middle of whatever was being sent.
  void Abort();
  // Rehearses a broken line: the connection is reset (RST) once `share` (0 to 1) of the request's
  // body has been read or, for a request without one, of the answer's body has been sent. What has
  // no body is reset instead of answered.
  void ResetPartway(double share);

  bool has_responded() const { return status_ != 0; }
  int status() const { return status_; }
  uint64_t sent_bytes() const { return sent_bytes_; }          // Of the answer's body.
  uint64_t received_bytes() const { return received_bytes_; }  // Of the request's body.
  // When the head had been read, and when the first byte of the answer was given to the kernel (the
  // epoch while there is none).
  SteadyTime began_at() const { return began_at_; }
  SteadyTime answered_at() const { return answered_at_; }

 private:
  friend class ServerConnection;
  void NoteAnswer(int status);

  ServerConnection& connection_;
  HttpRequestHead head_;
  HttpBodyFraming framing_;
  int status_ = 0;
  uint64_t sent_bytes_ = 0;
  uint64_t received_bytes_ = 0;
  bool sends_chunked_ = false;
  // Of StartResponse's answer.
  std::optional<uint64_t> promised_bytes_;
  bool is_unfinished_ = false;
  SteadyTime began_at_ = RealClock().Now();
  SteadyTime answered_at_{};
};

// Bytes that are no request this server takes.
struct HttpBadHead {
  int status = 400;  // 400: malformed; 408: it came too slowly; 431: over the limit.
  std::string message;
  const std::string& remote_address;
};
struct HttpRefusal {
  HttpResponseHead head;
  std::string body;
};

// Threads: Handle runs on any of the server's loops, many at once.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  virtual Task<void> Handle(HttpServerCall& call) = 0;
  // What such bytes are answered with; the connection ends afterwards. The status alone by default.
  virtual HttpRefusal AnswerBadHead(const HttpBadHead& bad);
};

struct HttpServerStats {
  uint64_t connections_accepted = 0;
  uint64_t connections_open = 0;
  uint64_t connections_refused = 0;  // Over connections_max.
  uint64_t requests = 0;
};

// An HTTP/1.1 server, plain or TLS: keep-alive, pipelining, chunked bodies both ways, Expect:
// 100-continue, sendfile. Connections are spread over the loops in turn and stay on theirs.
//
// Threads: methods may be called from any thread that is not a loop. Lifetime: loops and handler
// outlive the server; destruction stops it.
class HttpServer {
 public:
  // Listens and serves. kUnavailable with the address in the message when it cannot.
  static Result<std::unique_ptr<HttpServer>> Start(EventLoops& loops, HttpHandler& handler,
                                                   HttpServerOptions options);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  uint16_t port() const;
  // Stops listening, lets running requests finish within the drain timeout, closes the rest. Blocks
  // until no connection and no running handler is left: what they use may be freed afterwards.
  void Stop();
  HttpServerStats stats() const;

 private:
  struct Shared;
  explicit HttpServer(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace headrace::net
