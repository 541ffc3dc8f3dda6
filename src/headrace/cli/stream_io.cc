// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/stream_io.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <functional>
#include <memory>

#include "headrace/base/unique_fd.h"

namespace headrace::cli {
namespace {

// A descriptor that becomes readable when a stop is requested.
class StopEvent {
 public:
  explicit StopEvent(const std::stop_token& stop)
      : fd_(eventfd(0, EFD_CLOEXEC)), on_stop_(stop, [this] { Raise(); }) {}

  int fd() const { return fd_.get(); }

 private:
  void Raise() {
    const uint64_t one = 1;
    // Cannot fail: one write never fills the counter.
    (void)!write(fd_.get(), &one, sizeof(one));
  }

  UniqueFd fd_;
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace

file::ByteReader ReaderOf(std::FILE* stream, const std::stop_token& stop) {
  auto event = std::make_shared<StopEvent>(stop);
  return [stream, event](std::span<std::byte> target) -> Result<size_t> {
    std::array<pollfd, 2> watched{pollfd{fileno(stream), POLLIN, 0},
                                  pollfd{event->fd(), POLLIN, 0}};
    while (true) {
      if (poll(watched.data(), watched.size(), -1) < 0) {
        if (errno == EINTR) continue;
        return std::unexpected(Error::FromErrno(errno, "wait for standard input"));
      }
      if (watched[1].revents != 0) return Fail(ErrorCode::kCancelled, "interrupted");
      const ssize_t taken = read(fileno(stream), target.data(), target.size());
      if (taken >= 0) return static_cast<size_t>(taken);
      if (errno != EINTR && errno != EAGAIN) {
        return std::unexpected(Error::FromErrno(errno, "read standard input"));
      }
    }
  };
}

file::ByteSink SinkOf(std::FILE* stream) {
  return [stream](std::span<const std::byte> bytes) -> Status {
    if (std::fwrite(bytes.data(), 1, bytes.size(), stream) == bytes.size()) return Ok();
    return std::unexpected(Error::FromErrno(errno, "write to standard output"));
  };
}

}  // namespace headrace::cli
