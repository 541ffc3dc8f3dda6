// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/http_client.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/encoding.h"
#include "headrace/base/mutex.h"
#include "headrace/net/address_book.h"
#include "headrace/net/connection_pool.h"
#include "headrace/net/http_body.h"
#include "headrace/net/tls_client_context.h"

namespace headrace::net {
namespace {

std::string ComposeHead(const HttpCall& call, const HttpClientOptions& options) {
  const bool through_proxy = options.proxy && !call.endpoint.is_tls;
  const auto& fields = call.headers.fields();
  size_t size = call.method.size() + call.target.size() + 2 * call.endpoint.host.size() + 64;
  for (const auto& [name, value] : fields) size += name.size() + value.size() + 4;
  std::string head;
  head.reserve(size);
  head.append(call.method).push_back(' ');
  if (through_proxy) head.append("http://").append(HostHeader(call.endpoint));
  head.append(call.target).append(" HTTP/1.1\r\n");
  if (!call.headers.Find("Host")) {
    head.append("Host: ").append(HostHeader(call.endpoint)).append("\r\n");
  }
  for (const auto& [name, value] : fields) {
    head.append(name).append(": ").append(value).append("\r\n");
  }
  if (call.sends_body || !call.body.empty()) {
    head += fmt::format("Content-Length: {}\r\n", call.body.size());
  }
  if (through_proxy && !options.proxy_authorization.empty()) {
    head += "Proxy-Authorization: " + options.proxy_authorization + "\r\n";
  }
  head += "\r\n";
  return head;
}

// Whether one of the eight bytes is below a space, as every character that ends a line is.
bool HasByteBelowSpace(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  return ((word - kOnes * ' ') & ~word & (kOnes << 7U)) != 0;
}

bool HasControlCharacter(std::string_view text) {
  // Nearly every text is settled eight bytes at a time.
  size_t at = 0;
  for (; at + sizeof(uint64_t) <= text.size(); at += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    if (HasByteBelowSpace(word)) break;
  }
  return std::ranges::any_of(text.substr(at),
                             [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// A line break inside a target or field would start a second request.
Status CheckCall(const HttpCall& call) {
  bool is_clean = !HasControlCharacter(call.target) && !HasControlCharacter(call.method);
  for (const auto& [name, value] : call.headers.fields()) {
    is_clean = is_clean && !HasControlCharacter(name) && !HasControlCharacter(value);
  }
  if (is_clean) return Ok();
  return Fail(ErrorCode::kInvalidArgument,
              "request to " + HostHeader(call.endpoint) + " holds a line break in a header");
}

// Of one request. A server sends one before a body, one or two more while it works.
constexpr int kInterimHeadsMax = 64;

// The next head that is not an interim one (1xx other than 101).
Task<Result<ParsedHead<HttpResponseHead>>> ReadHead(Connection& connection, bool is_head_request) {
  ReceiveBuffer& received = connection.received();
  int interim_count = 0;
  while (true) {
    HR_CO_TRY_ASSIGN(auto parsed, ParseResponseHead(received.buffered(), is_head_request));
    if (parsed) {
      received.Consume(parsed->head_size_bytes);
      const int status = parsed->head.status;
      if (status < 200 && status != 101) {
        if (++interim_count <= kInterimHeadsMax) continue;
        co_return Fail(ErrorCode::kCorrupt,
                       fmt::format("receive from {}: more than {} interim answers and no other",
                                   HostHeader(connection.endpoint()), kInterimHeadsMax));
      }
      received.EndHead(parsed->head_size_bytes, !parsed->framing.is_chunked);
      co_return std::move(*parsed);
    }
    if (received.PullBack()) continue;
    HR_CO_TRY_ASSIGN(const size_t got, co_await connection.FillBuffer());
    if (got == 0) {
      co_return Fail(ErrorCode::kUnavailable,
                     fmt::format("receive from {}: connection closed before the answer",
                                 HostHeader(connection.endpoint())));
    }
  }
}

}  // namespace

struct HttpClient::Shared {
  std::shared_ptr<const HttpClientOptions> options;
  AddressBook addresses;
  std::shared_ptr<PoolCounters> counters = std::make_shared<PoolCounters>();
  Mutex mutex;
  std::map<const void*, std::shared_ptr<ConnectionPool>> pools HR_GUARDED_BY(mutex);
  // Made for the first TLS connection: reading the system's authorities takes about 75 ms, which a
  // command over plain HTTP need not spend.
  std::unique_ptr<TlsClientContext> tls HR_GUARDED_BY(mutex);

  Result<TlsClientContext*> TlsContext() HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    if (!tls) {
      HR_TRY_ASSIGN(tls, TlsClientContext::Load(options->ca_bundle));
    }
    return tls.get();
  }

  std::shared_ptr<ConnectionPool> PoolOf(const Executor& executor) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    auto& pool = pools[&executor.context()];
    if (!pool) pool = std::make_shared<ConnectionPool>(executor, options, counters);
    return pool;
  }

  Task<Status> OpenTunnel(Connection& connection, const HttpEndpoint& target);
  Task<Status> Open(Connection& connection, const HttpCall& call);
  Task<Result<HttpAnswer>> Exchange(const HttpCall& call, const std::string& head,
                                    std::shared_ptr<Connection> connection,
                                    std::shared_ptr<ConnectionPool> pool);
};

// Asks the proxy to pass bytes through to `target` (RFC 9110, section 9.3.6).
Task<Status> HttpClient::Shared::OpenTunnel(Connection& connection, const HttpEndpoint& target) {
  // Never without the port (RFC 9110, section 9.3.6), as a Host header may be.
  const std::string authority = fmt::format("{}:{}", HostText(target), target.port);
  std::string head = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", authority);
  if (!options->proxy_authorization.empty()) {
    head += "Proxy-Authorization: " + options->proxy_authorization + "\r\n";
  }
  head += "\r\n";
  const auto head_bytes = AsBytes(head);
  HR_CO_TRY(co_await connection.Write(head_bytes, {}));
  HR_CO_TRY_ASSIGN(const auto answer, co_await ReadHead(connection, true));
  if (answer.head.status / 100 != 2) {
    co_return Fail(ErrorCode::kUnavailable,
                   fmt::format("proxy {} refused a tunnel to {}: status {}",
                               HostHeader(*options->proxy), authority, answer.head.status));
  }
  co_return Ok();
}

Task<Status> HttpClient::Shared::Open(Connection& connection, const HttpCall& call) {
  const HttpEndpoint& target = call.endpoint;
  const HttpEndpoint first_hop = options->proxy.value_or(target);
  HR_CO_TRY_ASSIGN(const TcpEndpoints where,
                   co_await addresses.Find(first_hop, call.deadline, call.stop));
  auto connected = co_await connection.Connect(where, options->connect_timeout);
  if (!connected) {
    addresses.Forget(first_hop);
    if (!options->proxy) co_return connected;
    const std::string proxy = "proxy " + HostHeader(first_hop);
    co_return std::unexpected(std::move(connected).error().While(proxy));
  }
  if (!target.is_tls) co_return Ok();
  if (options->proxy) {
    HR_CO_TRY(co_await OpenTunnel(connection, target));
    // They would be taken for the first answer, and nobody vouches for them.
    if (connection.has_unread()) {
      co_return Fail(ErrorCode::kUnavailable,
                     fmt::format("proxy {} sent bytes of its own into the tunnel to {}",
                                 HostHeader(*options->proxy), HostHeader(target)));
    }
  }
  HR_CO_TRY_ASSIGN(const TlsClientContext* const context, TlsContext());
  co_return co_await connection.StartTls(*context, options->verify_tls);
}

Task<Result<HttpAnswer>> HttpClient::Shared::Exchange(const HttpCall& call, const std::string& head,
                                                      std::shared_ptr<Connection> connection,
                                                      std::shared_ptr<ConnectionPool> pool) {
  const bool is_head_request = call.method == "HEAD";
  std::span<const std::byte> head_left = AsBytes(head);
  std::span<const std::byte> body_left = call.body;
  Status written = Ok();
  if (!connection->WriteAtOnce(head_left, body_left)) {
    written = co_await connection->Write(head_left, body_left);
  }
  // A server that refuses a request early stops reading its body; its answer says why.
  if (!written && (call.body.empty() || !connection->is_open())) {
    co_return std::unexpected(std::move(written).error());
  }
  // The first byte arms the idle timeout again.
  if (call.answer_timeout) {
    connection->Arm(
        std::min<std::chrono::nanoseconds>(*call.answer_timeout, options->idle_timeout));
  }
  HR_CO_TRY_ASSIGN(auto parsed, co_await ReadHead(*connection, is_head_request));
  auto body = std::make_unique<HttpAnswer::Body>(std::move(connection), std::move(pool), parsed,
                                                 call.method);
  if (!written) body->reusable = false;
  body->FinishIfEmpty();
  co_return HttpAnswer(std::move(parsed.head), std::move(body));
}

Result<std::unique_ptr<HttpClient>> HttpClient::Make(HttpClientOptions options) {
  auto shared = std::make_shared<Shared>();
  shared->options = std::make_shared<const HttpClientOptions>(std::move(options));
  // A wrong path is told before anything starts.
  HR_TRY(TlsClientContext::CheckBundle(shared->options->ca_bundle));
  return std::unique_ptr<HttpClient>(new HttpClient(std::move(shared)));
}

Status HttpClient::LoadAuthorities() {
  auto loaded = shared_->TlsContext();
  if (!loaded) return std::unexpected(std::move(loaded).error());
  return Ok();
}

HttpClient::HttpClient(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}
HttpClient::~HttpClient() = default;

Task<Result<HttpAnswer>> HttpClient::Send(const HttpCall& call) {
  HR_CO_TRY(CheckCall(call));
  if (call.stop.stop_requested()) {
    co_return Fail(ErrorCode::kCancelled, "send to " + HostHeader(call.endpoint) + ": cancelled");
  }
  if (call.deadline.HasPassed(std::chrono::steady_clock::now())) {
    co_return Fail(ErrorCode::kTimedOut,
                   "send to " + HostHeader(call.endpoint) + ": its deadline has passed");
  }
  const Executor executor = co_await asio::this_coro::executor;
  const std::shared_ptr<ConnectionPool> pool = shared_->PoolOf(executor);
  const std::string head = ComposeHead(call, *shared_->options);
  const bool is_repeatable = call.method == "GET" || call.method == "HEAD";
  // A request that wants a connection of its own gets it to an address looked up anew: what is
  // asked so was answered badly over another.
  if (call.needs_fresh_connection) {
    shared_->addresses.Forget(shared_->options->proxy.value_or(call.endpoint));
  }
  for (bool may_be_stale = !call.needs_fresh_connection;; may_be_stale = false) {
    auto connection = may_be_stale ? pool->TakeIdle(call.endpoint) : nullptr;
    const bool is_fresh = !connection;
    if (is_fresh) connection = pool->MakeConnection(call.endpoint);
    connection->BeginCall(call, shared_->options->idle_timeout);
    pool->BeginCall(connection);
    Status opened = Ok();
    if (is_fresh) opened = co_await shared_->Open(*connection, call);
    if (!opened) {
      pool->EndCall(connection, false);
      co_return std::unexpected(std::move(opened).error());
    }
    auto answer = co_await shared_->Exchange(call, head, connection, pool);
    if (answer) co_return answer;
    pool->EndCall(connection, false);
    const bool was_closed = answer.error().code() == ErrorCode::kUnavailable;
    if (is_fresh || !was_closed || !is_repeatable) co_return answer;
  }
}

HttpClientStats HttpClient::stats() const {
  const PoolCounters& counters = *shared_->counters;
  return {.connections_opened = counters.connections_opened.load(std::memory_order_relaxed),
          .connections_idle = counters.connections_idle.load(std::memory_order_relaxed),
          .requests_sent = counters.requests_sent.load(std::memory_order_relaxed)};
}

}  // namespace headrace::net
