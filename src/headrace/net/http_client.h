// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>

#include "headrace/base/byte_target.h"
#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/task.h"
#include "headrace/net/http_message.h"

namespace headrace::net {

// Where requests go. Equal endpoints share connections.
struct HttpEndpoint {
  bool is_tls = false;
  std::string host;  // A name or an address; IPv6 without brackets.
  uint16_t port = 80;

  bool operator==(const HttpEndpoint&) const = default;
  auto operator<=>(const HttpEndpoint&) const = default;
};

// "http://host:port" or "https://host"; a path is refused. IPv6 addresses stand in brackets.
Result<HttpEndpoint> ParseHttpEndpoint(std::string_view url);
// True for "localhost", ::1 and the addresses 127.0.0.0/8: never for a name that only looks so.
bool IsLoopback(const std::string& host);
// The host as it stands in URLs: IPv6 in brackets.
std::string HostText(const HttpEndpoint& endpoint);
// The Host header: the port is left out where it is the scheme's own.
std::string HostHeader(const HttpEndpoint& endpoint);

struct HttpClientOptions {
  // A loaded loopback or LAN answers in milliseconds, a lost SYN costs 1 s; three of those fit.
  std::chrono::milliseconds connect_timeout{3'500};
  // No byte read or written for this long ends the request with kTimedOut.
  std::chrono::milliseconds idle_timeout{30'000};
  // S3 closes idle connections after about 5 s; a little less avoids racing it.
  std::chrono::milliseconds keep_alive{4'500};
  // Idle connections kept per loop and endpoint.
  size_t idle_connections_max = 256;
  // PEM file with certificate authorities; empty: the system's.
  std::string ca_bundle;
  // False accepts any certificate (--no-verify-ssl).
  bool verify_tls = true;
  // Requests go through this HTTP proxy (https by CONNECT); nothing: directly.
  std::optional<HttpEndpoint> proxy;
  std::string proxy_authorization;  // "Basic …" for Proxy-Authorization; empty: none.
};

struct HttpCall {
  HttpEndpoint endpoint;
  std::string method = "GET";
  std::string target = "/";         // As it travels, percent-encoded.
  HttpHeaders headers;              // Without Host and Content-Length: the client adds them.
  std::span<const std::byte> body;  // Borrowed until Send has returned.
  bool sends_body = false;          // True sends Content-Length even when the body is empty.
  // Where the answer's body will be read to, if that is known: its bytes may then be received
  // there, before they are asked for, with the answer's head. Borrowed until Send has failed or the
  // answer is destroyed; of undefined contents but for what ReadSome gave.
  ByteTarget landing;
  // Takes no kept-alive connection: for a try after one that such a connection has lost.
  bool needs_fresh_connection = false;
  // For the answer's first byte, once the request has been sent, where it is shorter than the
  // client's idle timeout.
  std::optional<std::chrono::nanoseconds> answer_timeout;
  Deadline deadline;
  std::stop_token stop;
};

// An answer whose head has arrived and whose body is read straight into the reader's memory.
// Dropping it early closes the connection; reading the body to its end returns the connection to
// the pool. Threads: used on the loop that sent the request. Moves.
class HttpAnswer {
 public:
  struct Body;  // How the rest of the message is read; net's own.
  HttpAnswer(HttpResponseHead head, std::unique_ptr<Body> body);
  HttpAnswer();  // An answer nobody sent: status 0, no body.
  ~HttpAnswer();
  HttpAnswer(HttpAnswer&&) noexcept;
  HttpAnswer& operator=(HttpAnswer&&) noexcept;

  const HttpResponseHead& head() const { return head_; }
  int status() const { return head_.status; }
  // Nothing for a body whose length is not announced (chunked, or until the connection closes).
  std::optional<uint64_t> body_size_bytes() const;

  // Reads some bytes of the body; 0: it has ended. kUnavailable when the connection broke or the
  // body ended before its announced length, kTimedOut, kCancelled.
  Task<Result<size_t>> ReadSome(std::span<std::byte> target);
  // The same of bytes that have been received already, without a task; 0: there are none.
  size_t ReadAtOnce(std::span<std::byte> target);
  // Reads until `target` is full or the body has ended; says how much.
  Task<Result<size_t>> ReadFull(std::span<std::byte> target);
  // The rest of the body, at most `size_bytes_max` (kCorrupt beyond): for error texts and listings.
  Task<Result<std::string>> ReadText(size_t size_bytes_max);

 private:
  HttpResponseHead head_;
  std::unique_ptr<Body> body_;
};

struct HttpClientStats {
  uint64_t connections_opened = 0;
  uint64_t connections_idle = 0;
  uint64_t requests_sent = 0;
};

// An HTTP/1.1 client with a pool of kept-alive connections per event loop. No retries and no
// redirects: an answer is whatever the server
// said.
//
// Threads: Send may be awaited on any loop. Lifetime: outlives every call and every answer;
// destroyed before the loops it ran on.
class HttpClient {
 public:
  // kInvalidArgument when the CA bundle may not be read.
  static Result<std::unique_ptr<HttpClient>> Make(HttpClientOptions options);
  // Reads the CA bundle now, and not with the first TLS connection. kInvalidArgument when it is
  // none.
  Status LoadAuthorities();
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Sends the request and waits for the head of its answer. A GET or HEAD whose kept-alive
  // connection turns out closed is sent once more on a fresh one; whatever else may have been
  // worked on before the connection broke, so that its caller has to know. kUnavailable (name
  // lookup, refused, reset), kTimedOut, kCancelled, kCorrupt (not HTTP).
  Task<Result<HttpAnswer>> Send(const HttpCall& call);

  HttpClientStats stats() const;

 private:
  struct Shared;
  explicit HttpClient(std::shared_ptr<Shared> shared);
  std::shared_ptr<Shared> shared_;
};

}  // namespace headrace::net
