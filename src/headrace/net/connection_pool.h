// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <vector>

#include "headrace/net/connection.h"

namespace headrace::net {

// Counters over every pool of a client.
struct PoolCounters {
  std::atomic<uint64_t> connections_opened{0};
  std::atomic<uint64_t> connections_idle{0};
  std::atomic<uint64_t> requests_sent{0};
};

// The connections of one client on one loop: idle ones to take, active ones to watch.
// Threads: its own loop only.
class ConnectionPool : public std::enable_shared_from_this<ConnectionPool> {
 public:
  ConnectionPool(Executor executor, std::shared_ptr<const HttpClientOptions> options,
                 std::shared_ptr<PoolCounters> counters);
  ~ConnectionPool();

  // The connection used last, where one idles and looks usable; otherwise nothing.
  std::shared_ptr<Connection> TakeIdle(const HttpEndpoint& endpoint);
  // A fresh, unconnected connection.
  std::shared_ptr<Connection> MakeConnection(const HttpEndpoint& endpoint);

  // Between these two the tick watches the connection. End keeps it for another call where
  // `reusable`.
  void BeginCall(const std::shared_ptr<Connection>& connection);
  void EndCall(const std::shared_ptr<Connection>& connection, bool reusable);

  // Closes what idles.
  void Clear();

 private:
  // How late a time-out may be noticed. One scan of a thousand connections takes microseconds.
  static constexpr std::chrono::milliseconds kTick{50};

  static Task<void> Tick(std::weak_ptr<ConnectionPool> weak);
  void DropStale(SteadyTime now);

  Executor executor_;
  std::shared_ptr<const HttpClientOptions> options_;
  std::shared_ptr<PoolCounters> counters_;
  std::map<HttpEndpoint, std::vector<std::shared_ptr<Connection>>> idle_;
  std::vector<std::shared_ptr<Connection>> active_;  // Each knows its place.
  bool is_ticking_ = false;
};

}  // namespace headrace::net
