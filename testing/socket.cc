// SPDX-License-Identifier: Apache-2.0
#include "testing/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "headrace/base/error.h"

namespace headrace::testing {
namespace {

struct Address {
  sockaddr_storage storage{};
  socklen_t size_bytes = 0;

  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

Address LoopbackAddress(bool is_ipv6, uint16_t port) {
  Address address;
  if (is_ipv6) {
    auto* const v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
    v6->sin6_family = AF_INET6;
    v6->sin6_addr = in6addr_loopback;
    v6->sin6_port = htons(port);
    address.size_bytes = sizeof(sockaddr_in6);
  } else {
    auto* const v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
    v4->sin_family = AF_INET;
    v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    v4->sin_port = htons(port);
    address.size_bytes = sizeof(sockaddr_in);
  }
  return address;
}

void SendEachWriteAtOnce(int descriptor) {
  const int on = 1;
  setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

Socket& Socket::operator=(Socket&& other) noexcept {
  if (this != &other) {
    Close();
    descriptor_ = std::exchange(other.descriptor_, -1);
  }
  return *this;
}

Socket Socket::ConnectTo(uint16_t port) {
  Address address = LoopbackAddress(false, port);
  Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  HR_CHECK(socket.is_open());
  if (connect(socket.descriptor_, address.get(), address.size_bytes) != 0) return {};
  SendEachWriteAtOnce(socket.descriptor_);
  return socket;
}

bool Socket::SendAll(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

std::string Socket::Receive(size_t size_bytes_max) {
  std::string bytes(size_bytes_max, '\0');
  const ssize_t received = recv(descriptor_, bytes.data(), bytes.size(), 0);
  bytes.resize(received > 0 ? static_cast<size_t>(received) : 0);
  return bytes;
}

std::string Socket::ReceiveAll() {
  std::string all;
  while (true) {
    const std::string some = Receive();
    if (some.empty()) return all;
    all += some;
  }
}

void Socket::Shutdown() {
  if (is_open()) shutdown(descriptor_, SHUT_RDWR);
}

void Socket::ShutdownSend() {
  if (is_open()) shutdown(descriptor_, SHUT_WR);
}

void Socket::Reset() {
  // Closing would reset only once no thread is in a call on the descriptor; dissolving the
  // association does so at once, and wakes them. The system call itself: ThreadSanitizer takes
  // connect() for a change of the descriptor, which other threads' calls must not meet.
  const sockaddr nowhere{.sa_family = AF_UNSPEC, .sa_data = {}};
  syscall(SYS_connect, descriptor_, &nowhere, sizeof(nowhere));
}

void Socket::Close() {
  if (is_open()) close(std::exchange(descriptor_, -1));
}

Listener::Listener(bool is_ipv6, uint16_t port)
    : socket_(::socket(is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  HR_CHECK(socket_.is_open());
  const int on = 1;
  setsockopt(socket_.descriptor(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  Address address = LoopbackAddress(is_ipv6, port);
  HR_CHECK(bind(socket_.descriptor(), address.get(), address.size_bytes) == 0);
  HR_CHECK(listen(socket_.descriptor(), SOMAXCONN) == 0);
  HR_CHECK(getsockname(socket_.descriptor(), address.get(), &address.size_bytes) == 0);
  port_ = ntohs(is_ipv6 ? reinterpret_cast<sockaddr_in6*>(&address.storage)->sin6_port
                        : reinterpret_cast<sockaddr_in*>(&address.storage)->sin_port);
}

Socket Listener::Accept() {
  Socket accepted(accept4(socket_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC));
  if (accepted.is_open()) SendEachWriteAtOnce(accepted.descriptor());
  return accepted;
}

uint16_t UnusedPort() { return Listener().port(); }

}  // namespace headrace::testing
