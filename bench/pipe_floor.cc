// SPDX-License-Identifier: Apache-2.0
// usage: pipe_floor drain FIFO...          reads each to its end, one after the other, and prints
//                                          how many bytes there were
//        pipe_floor feed URL LIST FIFO     the floor of Pipe mode: one connection, one thread; a
//        GET
//                                          for each line of LIST ("PATH FIRST LAST"), its body into
//                                          the FIFO as it comes
//
// URL is http://A.B.C.D:PORT of a server that checks no signatures.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace {

constexpr size_t kBufferBytes = 1U << 20U;

[[noreturn]] void Die(std::string_view what) {
  fmt::print(stderr, "pipe_floor: {}\n", what);
  std::exit(1);
}

int Drain(const std::vector<std::string>& paths) {
  std::vector<char> buffer(kBufferBytes);
  uint64_t total_bytes = 0;
  for (const std::string& path : paths) {
    const int fifo = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fifo < 0) Die("cannot open " + path);
    ssize_t size = 0;
    while ((size = read(fifo, buffer.data(), buffer.size())) > 0) {
      total_bytes += static_cast<uint64_t>(size);
    }
    close(fifo);
  }
  fmt::print("{}\n", total_bytes);
  return 0;
}

struct Peer {
  std::string host_field;
  int socket = -1;
};

Peer Connect(std::string_view url) {
  constexpr std::string_view kScheme = "http://";
  if (!url.starts_with(kScheme)) Die("URL must begin with http://");
  url.remove_prefix(kScheme.size());
  const size_t colon = url.find(':');
  if (colon == std::string_view::npos) Die("URL needs a port");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(url.substr(colon + 1).data())));
  if (inet_pton(AF_INET, std::string(url.substr(0, colon)).c_str(), &address.sin_addr) != 1) {
    Die("URL needs a numeric address");
  }
  Peer peer{.host_field = std::string(url), .socket = socket(AF_INET, SOCK_STREAM, 0)};
  if (connect(peer.socket, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    Die("cannot connect");
  }
  const int on = 1;
  setsockopt(peer.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return peer;
}

void WriteAll(int target, const char* bytes, size_t size_bytes) {
  while (size_bytes > 0) {
    const ssize_t written = write(target, bytes, size_bytes);
    if (written <= 0) Die("cannot write");
    bytes += written;
    size_bytes -= static_cast<size_t>(written);
  }
}

uint64_t ContentLength(std::string_view head) {
  constexpr std::string_view kName = "\r\ncontent-length: ";
  for (size_t at = 0; at + kName.size() < head.size(); ++at) {
    if (strncasecmp(head.data() + at, kName.data(), kName.size()) == 0) {
      return std::strtoull(head.data() + at + kName.size(), nullptr, 10);
    }
  }
  Die("an answer without Content-Length");
}

// Asks for one range and writes its body.
void FetchOne(const Peer& peer, const std::string& request, int fifo, std::vector<char>& buffer) {
  WriteAll(peer.socket, request.data(), request.size());
  std::string head;
  size_t head_end = std::string::npos;
  while (head_end == std::string::npos) {
    const ssize_t size = recv(peer.socket, buffer.data(), buffer.size(), 0);
    if (size <= 0) Die("the server closed the connection");
    head.append(buffer.data(), static_cast<size_t>(size));
    head_end = head.find("\r\n\r\n");
  }
  if (!head.starts_with("HTTP/1.1 206")) Die(head.substr(0, head.find('\r')));
  uint64_t left_bytes = ContentLength(std::string_view(head).substr(0, head_end + 2));
  const std::string_view begun = std::string_view(head).substr(head_end + 4);
  WriteAll(fifo, begun.data(), begun.size());
  left_bytes -= begun.size();
  while (left_bytes > 0) {
    const ssize_t size =
        recv(peer.socket, buffer.data(), std::min<uint64_t>(buffer.size(), left_bytes), 0);
    if (size <= 0) Die("the server closed the connection");
    WriteAll(fifo, buffer.data(), static_cast<size_t>(size));
    left_bytes -= static_cast<uint64_t>(size);
  }
}

int Feed(const std::string& url, const std::string& list, const std::string& path) {
  const Peer peer = Connect(url);
  const int fifo = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (fifo < 0) Die("cannot open " + path);
  fcntl(fifo, F_SETPIPE_SZ, static_cast<int>(kBufferBytes));
  std::vector<char> buffer(kBufferBytes);
  std::ifstream lines(list);
  std::string object;
  for (uint64_t first = 0, last = 0; lines >> object >> first >> last;) {
    FetchOne(peer,
             fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\nRange: bytes={}-{}\r\n\r\n", object,
                         peer.host_field, first, last),
             fifo, buffer);
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() >= 2 && words[0] == "drain") return Drain({words.begin() + 1, words.end()});
  if (words.size() == 4 && words[0] == "feed") return Feed(words[1], words[2], words[3]);
  fmt::print(stderr, "usage: pipe_floor drain FIFO... | feed URL LIST FIFO\n");
  return 2;
}
