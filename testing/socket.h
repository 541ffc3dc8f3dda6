// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace headrace::testing {

// A blocking stream socket on loopback, owned. Failing to make one ends the test program: there is
// nothing to test without it. Threads: Send, Receive, Shutdown and Reset may be called at once.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  ~Socket() { Close(); }
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;

  static Socket ConnectTo(uint16_t port);

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  // False once the other side is gone.
  bool SendAll(std::string_view bytes);
  // At least one byte and at most `size_bytes_max`; nothing at all when the other side has closed.
  std::string Receive(size_t size_bytes_max = 64UL * 1024);
  // Everything until the other side closes.
  std::string ReceiveAll();

  // Ends both directions; a blocked Receive on another thread returns.
  void Shutdown();
  // Says that nothing more will be sent and goes on receiving.
  void ShutdownSend();
  // The other side gets a reset (RST) instead of an orderly end. A blocked Receive on another
  // thread returns.
  void Reset();
  void Close();

 private:
  int descriptor_ = -1;
};

// A listening socket on a free port of 127.0.0.1 (or ::1).
class Listener {
 public:
  explicit Listener(bool is_ipv6 = false, uint16_t port = 0);

  uint16_t port() const { return port_; }
  // A closed socket after Shutdown.
  Socket Accept();
  void Shutdown() { socket_.Shutdown(); }

 private:
  Socket socket_;
  uint16_t port_ = 0;
};

// A port of 127.0.0.1 on which nothing listened a moment ago.
uint16_t UnusedPort();

}  // namespace headrace::testing
