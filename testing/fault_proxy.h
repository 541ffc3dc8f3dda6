// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "headrace/base/mutex.h"
#include "testing/socket.h"
#include "testing/thread_gate.h"

namespace headrace::testing {

// What goes wrong on one connection through a FaultProxy, in what the server sends to the client.
// Places are counted in bytes from the start of the connection or, with `counts_from_body`, from
// the end of the first head. Several may be set.
struct ConnectionFault {
  bool counts_from_body = false;
  std::optional<size_t> close_after_bytes;  // In order, as if the answer were complete.
  std::optional<size_t> reset_after_bytes;  // RST.
  // Nothing more is sent until the gate is opened; for good when nobody opens it, as a peer that
  // was cut off without a word (a half-open connection).
  std::optional<size_t> stall_after_bytes;
  std::shared_ptr<ThreadGate> stall_gate;
  std::optional<size_t> flip_byte_at;
  // These bytes come before the first byte of the answer.
  std::string garbage_before;
  // Added to the first Content-Length: the head promises more or less than comes.
  int64_t content_length_delta = 0;
  // Each byte is a write of its own.
  bool drips = false;
};

// A TCP proxy on a free port of 127.0.0.1 in front of a server on another, through which scripted
// connections go wrong: one fault per connection, in the order they are accepted, none beyond the
// script.
//
// Threads: two per connection; all methods may be called at once. Destruction opens the gates, ends
// the connections and joins.
class FaultProxy {
 public:
  explicit FaultProxy(uint16_t server_port);
  ~FaultProxy();
  FaultProxy(const FaultProxy&) = delete;
  FaultProxy& operator=(const FaultProxy&) = delete;

  uint16_t port() const { return port_; }
  // "http://127.0.0.1:<port>"
  std::string url() const;

  // The next connection not yet in the script has this fault.
  FaultProxy& Then(ConnectionFault fault) HR_EXCLUDES(mutex_);
  // The next connection not yet in the script has none.
  FaultProxy& ThenPass() { return Then({}); }
  // From now on connections are refused by the kernel; Accept ends that, on the same port.
  void Refuse() HR_EXCLUDES(mutex_);
  void Accept() HR_EXCLUDES(mutex_);

  size_t connection_count() const HR_EXCLUDES(mutex_);

 private:
  struct Connection {
    Socket client;
    Socket server;
    ConnectionFault fault;
  };

  void AcceptConnections(Listener& listener);
  static void CopyToServer(Connection& connection);
  void CopyToClient(Connection& connection);
  void End(Connection& connection, bool is_reset) HR_EXCLUDES(mutex_);

  const uint16_t server_port_;
  uint16_t port_ = 0;

  mutable Mutex mutex_;
  std::unique_ptr<Listener> listener_ HR_GUARDED_BY(mutex_);
  std::thread acceptor_ HR_GUARDED_BY(mutex_);
  std::deque<ConnectionFault> script_ HR_GUARDED_BY(mutex_);
  std::list<Connection> connections_ HR_GUARDED_BY(mutex_);
  std::vector<std::thread> threads_ HR_GUARDED_BY(mutex_);
  bool is_stopping_ HR_GUARDED_BY(mutex_) = false;
};

// One direction of a connection as a pure machine: server bytes in, what the client gets out.
class FaultyStream {
 public:
  explicit FaultyStream(const ConnectionFault& fault) : fault_(fault) {}

  struct Output {
    std::string bytes;
    // Sent up to here, then the gate; nothing: no stall in these bytes.
    std::optional<size_t> stall_at;
    enum class End { kGoesOn, kClose, kReset } end = End::kGoesOn;
  };
  Output Feed(std::string bytes);

 private:
  // Holds bytes back until the first head is whole, where a fault needs to know its end.
  bool NeedsHead() const;
  void RewriteHead();

  const ConnectionFault& fault_;
  std::string held_;
  bool has_begun_ = false;
  size_t head_size_bytes_ = 0;
  size_t sent_bytes_ = 0;
  bool has_stalled_ = false;
};

}  // namespace headrace::testing
