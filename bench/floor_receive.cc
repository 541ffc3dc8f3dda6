// SPDX-License-Identifier: Apache-2.0
// The least a server of uploads can do, as a floor to measure against: one thread that receives
// bytes from its connections and writes them to files, nothing parsed and nothing summed.
//
// usage: floor_receive FOLDER PART_BYTES
// Prints its port. Each connection sends parts of PART_BYTES; each is answered with one byte.
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

// As `headrace serve` reads.
constexpr size_t kReadBytes = 256 * 1024;

struct Upload {
  int socket;
  int file = -1;
  size_t left = 0;
};

int Listen() {
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener, 64) != 0)
    std::exit(1);
  getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("%d\n", ntohs(address.sin_port));
  std::fflush(stdout);
  return listener;
}

// False: the connection has ended.
bool Receive(Upload& upload, const std::string& folder, size_t part_bytes,
             std::vector<char>& buffer) {
  static int part_count = 0;
  if (upload.file < 0) {
    const std::string path = folder + "/part" + std::to_string(part_count++);
    upload.file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
    upload.left = part_bytes;
  }
  const size_t wanted = upload.left < buffer.size() ? upload.left : buffer.size();
  const ssize_t count = recv(upload.socket, buffer.data(), wanted, 0);
  if (count <= 0 || write(upload.file, buffer.data(), static_cast<size_t>(count)) != count)
    return false;
  upload.left -= static_cast<size_t>(count);
  if (upload.left > 0) return true;
  close(upload.file);
  upload.file = -1;
  return send(upload.socket, "k", 1, MSG_NOSIGNAL) == 1;
}

}  // namespace

int main(int argument_count, char** arguments) {
  if (argument_count != 3) return 2;
  const std::string folder = arguments[1];
  const size_t part_bytes = std::strtoull(arguments[2], nullptr, 10);
  std::vector<pollfd> watched{{Listen(), POLLIN, 0}};
  std::vector<Upload> uploads{{watched[0].fd}};
  std::vector<char> buffer(kReadBytes);
  while (poll(watched.data(), watched.size(), -1) > 0) {
    for (size_t i = watched.size(); i-- > 1;) {
      if (watched[i].revents == 0 || Receive(uploads[i], folder, part_bytes, buffer)) continue;
      close(watched[i].fd);
      watched.erase(watched.begin() + static_cast<ptrdiff_t>(i));
      uploads.erase(uploads.begin() + static_cast<ptrdiff_t>(i));
    }
    if (watched[0].revents == 0) continue;
    const int accepted = accept(watched[0].fd, nullptr, nullptr);
    const int on = 1;
    setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    watched.push_back({accepted, POLLIN, 0});
    uploads.push_back({accepted});
  }
  return 0;
}
