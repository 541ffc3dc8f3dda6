// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/http_server.h"

#include <atomic>
#include <optional>
#include <vector>

#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

#include "headrace/base/clock.h"
#include "headrace/base/log.h"
#include "headrace/base/mutex.h"
#include "headrace/base/time_text.h"
#include "headrace/net/server_connection.h"

namespace headrace::net {
namespace {

using asio::ip::tcp;

std::string HttpDateNow() { return HttpDate(RealClock().WallNow()); }

}  // namespace

struct HttpServer::Shared {
  explicit Shared(EventLoops& loops_in, HttpServerOptions options_in)
      : loops(loops_in), options(std::move(options_in)), acceptor(std::in_place, loops.At(0)) {}

  EventLoops& loops;
  HttpServerOptions options;
  // On loop 0, and gone when Accept has ended: what holds this may outlive that loop.
  std::optional<tcp::acceptor> acceptor;
  std::vector<std::unique_ptr<ServerShard>> shards;  // One per loop.
  std::atomic<uint64_t> accepted = 0;
  std::atomic<uint64_t> refused = 0;
  uint16_t port = 0;

  Mutex mutex;
  CondVar changed;
  uint64_t open_count HR_GUARDED_BY(mutex) = 0;
  bool is_accepting HR_GUARDED_BY(mutex) = true;

  Status Listen();
  bool TryOpen() HR_EXCLUDES(mutex);
  void NoteClosed() HR_EXCLUDES(mutex);
  // False when connections were left at the deadline.
  bool WaitUntilClosed(SteadyTime deadline) HR_EXCLUDES(mutex);

  static void EndConnections(const std::shared_ptr<Shared>& shared, bool when_idle);
  static Task<void> Accept(std::shared_ptr<Shared> shared);
  static Task<void> Serve(std::shared_ptr<Shared> shared, size_t loop, tcp::socket socket);
  static Task<void> Tick(std::shared_ptr<Shared> shared, size_t loop);
};

Status HttpServer::Shared::Listen() {
  boost::system::error_code error;
  tcp::resolver resolver(loops.At(0));
  const auto found =
      resolver.resolve(options.host, std::to_string(options.port), tcp::resolver::passive, error);
  const std::string where = fmt::format("{}:{}", options.host, options.port);
  if (error || found.empty()) {
    return Fail(ErrorCode::kUnavailable, fmt::format("cannot listen on {}: {}", where,
                                                     error ? error.message() : "no address"));
  }
  const tcp::endpoint endpoint = found.begin()->endpoint();
  acceptor->open(endpoint.protocol(), error);
  if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor->bind(endpoint, error);
  if (!error) acceptor->listen(1024, error);
  if (error) {
    return Fail(ErrorCode::kUnavailable,
                fmt::format("cannot listen on {}: {}", where, error.message()));
  }
  port = acceptor->local_endpoint(error).port();
  return Ok();
}

bool HttpServer::Shared::TryOpen() {
  const MutexLock lock(mutex);
  if (open_count >= options.connections_max) return false;
  ++open_count;
  return true;
}

void HttpServer::Shared::NoteClosed() {
  const MutexLock lock(mutex);
  --open_count;
  changed.NotifyAll();
}

void HttpServer::Shared::EndConnections(const std::shared_ptr<Shared>& shared, bool when_idle) {
  for (size_t loop = 0; loop < shared->shards.size(); ++loop) {
    asio::post(shared->loops.At(loop), [shared, loop, when_idle] {
      for (ServerConnection* connection : shared->shards[loop]->connections) {
        connection->End(when_idle);
      }
    });
  }
}

bool HttpServer::Shared::WaitUntilClosed(SteadyTime deadline) {
  const MutexLock lock(mutex);
  while (open_count > 0 || is_accepting) {
    if (!changed.WaitUntil(mutex, deadline)) return false;
  }
  return true;
}

Task<void> HttpServer::Shared::Accept(std::shared_ptr<Shared> shared) {
  size_t next = 0;
  while (!shared->shards[0]->is_stopping) {
    const size_t loop = next++ % shared->loops.count();
    boost::system::error_code error;
    tcp::socket socket = co_await shared->acceptor->async_accept(
        shared->loops.At(loop), asio::redirect_error(asio::use_awaitable, error));
    if (shared->shards[0]->is_stopping) break;
    if (error) {
      // Out of descriptors or memory: the connection stays in the queue, so try again later.
      Log(LogLevel::kWarning, "accept: {}", error.message());
      co_await Sleep(std::chrono::milliseconds(50));
      continue;
    }
    if (!shared->TryOpen()) {
      shared->refused.fetch_add(1, std::memory_order_relaxed);
      continue;
    }
    shared->accepted.fetch_add(1, std::memory_order_relaxed);
    SpawnDetached(shared->loops.At(loop), Serve(shared, loop, std::move(socket)));
  }
  shared->acceptor.reset();
  const MutexLock lock(shared->mutex);
  shared->is_accepting = false;
  shared->changed.NotifyAll();
}

Task<void> HttpServer::Shared::Serve(std::shared_ptr<Shared> shared, size_t loop,
                                     tcp::socket socket) {
  {
    boost::system::error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    std::string remote = error ? std::string() : peer.address().to_string();
    ServerConnection connection(std::move(socket), *shared->shards[loop], std::move(remote));
    if (!error) co_await connection.Run();
  }
  shared->NoteClosed();
}

Task<void> HttpServer::Shared::Tick(std::shared_ptr<Shared> shared, size_t loop) {
  ServerShard& shard = *shared->shards[loop];
  while (!shard.is_stopping) {
    shard.now = RealClock().Now();
    shard.date = HttpDateNow();
    for (ServerConnection* connection : shard.connections) connection->EndIfStalled();
    co_await Sleep(std::chrono::seconds(1));
  }
}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(EventLoops& loops, HttpHandler& handler,
                                                      HttpServerOptions options) {
  auto shared = std::make_shared<Shared>(loops, std::move(options));
  HR_TRY(shared->Listen());
  for (size_t loop = 0; loop < loops.count(); ++loop) {
    auto shard = std::make_unique<ServerShard>();
    shard->options = &shared->options;
    shard->handler = &handler;
    shard->now = RealClock().Now();
    shard->date = HttpDateNow();
    shared->shards.push_back(std::move(shard));
  }
  for (size_t loop = 0; loop < loops.count(); ++loop) {
    SpawnDetached(loops.At(loop), Shared::Tick(shared, loop));
  }
  SpawnDetached(loops.At(0), Shared::Accept(shared));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(shared)));
}

HttpServer::HttpServer(std::shared_ptr<Shared> shared) : shared_(std::move(shared)) {}

HttpServer::~HttpServer() { Stop(); }

uint16_t HttpServer::port() const { return shared_->port; }

void HttpServer::Stop() {
  if (shared_->shards[0]->is_stopping) return;
  for (const auto& shard : shared_->shards) shard->is_stopping = true;
  asio::post(shared_->loops.At(0), [shared = shared_] {
    boost::system::error_code ignored;
    if (shared->acceptor) shared->acceptor->close(ignored);
  });
  Shared::EndConnections(shared_, true);
  const SteadyTime drained = RealClock().Now() + shared_->options.drain_timeout;
  if (shared_->WaitUntilClosed(drained)) return;
  Shared::EndConnections(shared_, false);
  // Handlers whose connection is gone end at their next read or write, or when what they wait for
  // on the work pool is done. They use what the caller frees after this.
  while (!shared_->WaitUntilClosed(RealClock().Now() + shared_->options.stop_report_interval)) {
    Log(LogLevel::kWarning, "stopping: {} requests are still running", stats().connections_open);
  }
}

HttpServerStats HttpServer::stats() const {
  HttpServerStats stats;
  stats.connections_accepted = shared_->accepted;
  stats.connections_refused = shared_->refused;
  for (const auto& shard : shared_->shards) stats.requests += shard->request_count;
  const MutexLock lock(shared_->mutex);
  stats.connections_open = shared_->open_count;
  return stats;
}

}  // namespace headrace::net
