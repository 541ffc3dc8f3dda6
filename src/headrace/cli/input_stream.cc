// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/input_stream.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace headrace::cli {

InputStream::InputStream(std::FILE* stream, const std::stop_token& stop)
    : input_(fileno(stream)),
      stop_event_(eventfd(0, EFD_CLOEXEC)),
      on_stop_(stop, [this] { RaiseStop(); }) {}

void InputStream::RaiseStop() {
  const uint64_t one = 1;
  // Cannot fail: one write never fills the counter.
  (void)!write(stop_event_.get(), &one, sizeof(one));
}

Result<size_t> InputStream::Read(std::span<std::byte> target) {
  std::array<pollfd, 2> watched{pollfd{input_, POLLIN, 0}, pollfd{stop_event_.get(), POLLIN, 0}};
  while (true) {
    if (poll(watched.data(), watched.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return std::unexpected(Error::FromErrno(errno, "wait for standard input"));
    }
    if (watched[1].revents != 0) return Fail(ErrorCode::kCancelled, "interrupted");
    const ssize_t taken = read(input_, target.data(), target.size());
    if (taken >= 0) return static_cast<size_t>(taken);
    if (errno != EINTR && errno != EAGAIN) {
      return std::unexpected(Error::FromErrno(errno, "read standard input"));
    }
  }
}

}  // namespace headrace::cli
