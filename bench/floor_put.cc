// SPDX-License-Identifier: Apache-2.0
// The floor of a server that takes uploads: a thread a connection, which receives a body into one
// reused buffer and writes it to a new file. Understands PUT with Content-Length and no more.
// Loopback only.
//
// usage: floor_put FOLDER [--sync]
//   --sync   flush each file to the disk before answering
// Prints "listening on http://127.0.0.1:PORT" and serves until it is killed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <fmt/format.h>

namespace {

constexpr size_t kBufferBytes = 256U << 10U;

struct Sink {
  std::string folder;
  bool syncs = false;
  std::atomic<uint64_t> next = 0;
};

[[noreturn]] void Die(const char* what) {
  std::perror(what);
  std::exit(1);
}

// Of the head; 0 without one.
uint64_t ContentLength(std::string_view head) {
  constexpr std::string_view kName = "\r\nContent-Length: ";
  const size_t at = head.find(kName);
  return at == std::string_view::npos ? 0
                                      : std::strtoull(head.data() + at + kName.size(), nullptr, 10);
}

void WriteAll(int file, const char* bytes, size_t size) {
  while (size > 0) {
    const ssize_t count = write(file, bytes, size);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) Die("write");
    bytes += count;
    size -= static_cast<size_t>(count);
  }
}

// False: the client has closed.
bool TakeOne(int connection, Sink& sink, std::vector<char>& buffer) {
  size_t used = 0;
  size_t head_end = std::string_view::npos;
  while (head_end == std::string_view::npos) {
    const ssize_t count = recv(connection, buffer.data() + used, buffer.size() - used, 0);
    if (count <= 0) return false;
    used += static_cast<size_t>(count);
    head_end = std::string_view(buffer.data(), used).find("\r\n\r\n");
  }
  uint64_t left = ContentLength({buffer.data(), head_end + 2});
  const std::string path = fmt::format("{}/{}", sink.folder, sink.next++);
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0) Die(path.c_str());
  const size_t begin = head_end + 4;
  WriteAll(file, buffer.data() + begin, used - begin);
  left -= used - begin;
  while (left > 0) {
    const size_t wanted = std::min<uint64_t>(left, buffer.size());
    const ssize_t count = recv(connection, buffer.data(), wanted, 0);
    if (count <= 0) Die("recv");
    WriteAll(file, buffer.data(), static_cast<size_t>(count));
    left -= static_cast<uint64_t>(count);
  }
  if (sink.syncs && fdatasync(file) != 0) Die("fdatasync");
  close(file);
  constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  return send(connection, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(kAnswer.size());
}

void Serve(int connection, Sink& sink) {
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  std::vector<char> buffer(kBufferBytes);
  while (TakeOne(connection, sink, buffer)) {
  }
  close(connection);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    fmt::print(stderr, "usage: floor_put FOLDER [--sync]\n");
    return 2;
  }
  Sink sink;
  sink.folder = argv[1];
  sink.syncs = argc == 3 && std::string_view(argv[2]) == "--sync";
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (bind(listener, any, size) != 0 || listen(listener, 128) != 0) Die("listen");
  if (getsockname(listener, any, &size) != 0) Die("getsockname");
  fmt::print("listening on http://127.0.0.1:{}\n", ntohs(address.sin_port));
  std::fflush(stdout);
  while (true) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    std::thread(Serve, connection, std::ref(sink)).detach();
  }
}
