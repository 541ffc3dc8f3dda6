// SPDX-License-Identifier: Apache-2.0
#include "headrace/net/connection_pool.h"

namespace headrace::net {

ConnectionPool::ConnectionPool(Executor executor, std::shared_ptr<const HttpClientOptions> options,
                               std::shared_ptr<PoolCounters> counters)
    : executor_(std::move(executor)),
      options_(std::move(options)),
      counters_(std::move(counters)) {}

ConnectionPool::~ConnectionPool() { Clear(); }

std::shared_ptr<Connection> ConnectionPool::TakeIdle(const HttpEndpoint& endpoint) {
  const auto found = idle_.find(endpoint);
  if (found == idle_.end()) return nullptr;
  const SteadyTime now = std::chrono::steady_clock::now();
  auto& stack = found->second;
  while (!stack.empty()) {
    std::shared_ptr<Connection> connection = std::move(stack.back());
    stack.pop_back();
    counters_->connections_idle.fetch_sub(1, std::memory_order_relaxed);
    // A connection used moments ago is believed; the system call would cost more than it saves.
    const auto idle_for = now - connection->idle_since;
    if (idle_for < std::chrono::milliseconds(100)) return connection;
    if (idle_for < options_->keep_alive && connection->LooksUsable()) return connection;
  }
  return nullptr;
}

std::shared_ptr<Connection> ConnectionPool::MakeConnection(const HttpEndpoint& endpoint) {
  counters_->connections_opened.fetch_add(1, std::memory_order_relaxed);
  return std::make_shared<Connection>(executor_, endpoint);
}

void ConnectionPool::BeginCall(const std::shared_ptr<Connection>& connection) {
  counters_->requests_sent.fetch_add(1, std::memory_order_relaxed);
  connection->active_index = active_.size();
  active_.push_back(connection);
  if (is_ticking_) return;
  is_ticking_ = true;
  SpawnDetached(executor_, Tick(weak_from_this()));
}

void ConnectionPool::EndCall(const std::shared_ptr<Connection>& connection, bool reusable) {
  const size_t place = connection->active_index;
  HR_CHECK(active_[place] == connection);
  std::swap(active_[place], active_.back());
  active_[place]->active_index = place;
  active_.pop_back();
  connection->EndCall();
  // Bytes behind an answer, a body to a HEAD say, would be taken for the next call's answer.
  if (!reusable || !connection->is_open() || connection->has_unread()) return;
  auto& stack = idle_[connection->endpoint()];
  if (stack.size() >= options_->idle_connections_max) return;
  connection->idle_since = std::chrono::steady_clock::now();
  stack.push_back(connection);
  counters_->connections_idle.fetch_add(1, std::memory_order_relaxed);
}

void ConnectionPool::Clear() {
  for (auto& [endpoint, stack] : idle_) {
    counters_->connections_idle.fetch_sub(stack.size(), std::memory_order_relaxed);
  }
  idle_.clear();
}

void ConnectionPool::DropStale(SteadyTime now) {
  for (auto& [endpoint, stack] : idle_) {
    const size_t dropped = std::erase_if(stack, [&](const std::shared_ptr<Connection>& connection) {
      return now - connection->idle_since > options_->keep_alive;
    });
    counters_->connections_idle.fetch_sub(dropped, std::memory_order_relaxed);
  }
}

Task<void> ConnectionPool::Tick(std::weak_ptr<ConnectionPool> weak) {
  while (true) {
    co_await Sleep(kTick);
    const std::shared_ptr<ConnectionPool> pool = weak.lock();
    if (!pool) co_return;
    const SteadyTime now = std::chrono::steady_clock::now();
    for (const auto& connection : pool->active_) connection->ExpireIfDue(now);
    pool->DropStale(now);
    if (pool->active_.empty()) {
      pool->is_ticking_ = false;
      co_return;
    }
  }
}

}  // namespace headrace::net
