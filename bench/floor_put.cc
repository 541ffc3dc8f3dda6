// SPDX-License-Identifier: Apache-2.0
// The floor of a server that takes uploads: a thread a connection, or one for all, which receives
// a body into one reused buffer and writes it to a new file. Understands PUT with Content-Length
// and no more. Loopback only.
//
// usage: floor_put FOLDER [--sync] [--one-thread]
//   --sync         flush each file to the disk before answering
//   --one-thread   one epoll loop for all connections
// Prints "listening on http://127.0.0.1:PORT" and serves until it is killed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
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

// A connection and what has come of the request on it.
struct Upload {
  int connection = -1;
  std::string head;
  int file = -1;  // -1: the head has not ended.
  uint64_t left = 0;
};

bool Answer(Upload& upload, const Sink& sink) {
  if (sink.syncs && fdatasync(upload.file) != 0) Die("fdatasync");
  close(upload.file);
  upload.file = -1;
  constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  return send(upload.connection, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(kAnswer.size());
}

void BeginFile(Upload& upload, size_t head_end, Sink& sink) {
  upload.left = ContentLength({upload.head.data(), head_end + 2});
  const std::string path = fmt::format("{}/{}", sink.folder, sink.next++);
  upload.file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (upload.file < 0) Die(path.c_str());
  const size_t begin = head_end + 4;
  WriteAll(upload.file, upload.head.data() + begin, upload.head.size() - begin);
  upload.left -= upload.head.size() - begin;
  upload.head.clear();
}

// Takes what one receive brings. False: the client has closed.
bool Step(Upload& upload, Sink& sink, std::vector<char>& buffer) {
  const size_t wanted =
      upload.file < 0 ? buffer.size() : std::min<uint64_t>(upload.left, buffer.size());
  const ssize_t got = recv(upload.connection, buffer.data(), wanted, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got <= 0) return false;
  const auto count = static_cast<size_t>(got);
  if (upload.file >= 0) {
    WriteAll(upload.file, buffer.data(), count);
    upload.left -= count;
  } else {
    upload.head.append(buffer.data(), count);
    const size_t head_end = upload.head.find("\r\n\r\n");
    if (head_end == std::string::npos) return true;
    BeginFile(upload, head_end, sink);
  }
  return upload.left > 0 || Answer(upload, sink);
}

void TurnDelayOff(int connection) {
  const int on = 1;
  setsockopt(connection, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Serve(int connection, Sink& sink) {
  TurnDelayOff(connection);
  Upload upload{.connection = connection};
  std::vector<char> buffer(kBufferBytes);
  while (Step(upload, sink, buffer)) {
  }
  close(connection);
}

[[noreturn]] void ServeAll(int listener, Sink& sink) {
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (epoll < 0) Die("epoll_create1");
  const auto watch = [&](int socket, Upload* upload) {
    epoll_event event{.events = EPOLLIN, .data = {.ptr = upload}};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event) != 0) Die("epoll_ctl");
  };
  watch(listener, nullptr);
  std::vector<char> buffer(kBufferBytes);
  std::array<epoll_event, 64> events{};
  while (true) {
    const int count = epoll_wait(epoll, events.data(), events.size(), -1);
    for (int index = 0; index < count; ++index) {
      auto* upload = static_cast<Upload*>(events[static_cast<size_t>(index)].data.ptr);
      if (upload == nullptr) {
        const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (connection < 0) continue;
        TurnDelayOff(connection);
        watch(connection, new Upload{.connection = connection});
      } else if (!Step(*upload, sink, buffer)) {
        close(upload->connection);
        delete upload;
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> words(argv + 1, argv + argc);
  const auto has = [&](std::string_view word) {
    return std::ranges::find(words, word) != words.end();
  };
  if (words.empty()) {
    fmt::print(stderr, "usage: floor_put FOLDER [--sync] [--one-thread]\n");
    return 2;
  }
  Sink sink;
  sink.folder = words[0];
  sink.syncs = has("--sync");
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
  if (has("--one-thread")) ServeAll(listener, sink);
  while (true) {
    const int connection = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (connection < 0) continue;
    std::thread(Serve, connection, std::ref(sink)).detach();
  }
}
