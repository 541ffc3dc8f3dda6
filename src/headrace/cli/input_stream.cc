// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/input_stream.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <utility>

#include "headrace/base/poll_wait.h"

namespace headrace::cli {

InputStream::InputStream(std::FILE* stream, const CallContext& context)
    : InputStream(fileno(stream), "standard input", context) {}

InputStream::InputStream(int input, std::string name, const CallContext& context)
    : input_(input),
      name_(std::move(name)),
      deadline_(context.deadline),
      stop_event_(eventfd(0, EFD_CLOEXEC)),
      on_stop_(context.stop, [this] { RaiseStop(); }) {}

void InputStream::RaiseStop() {
  const uint64_t one = 1;
  // Cannot fail: one write never fills the counter.
  (void)!write(stop_event_.get(), &one, sizeof(one));
}

Result<size_t> InputStream::Read(std::span<std::byte> target) {
  if (!stop_event_.is_open()) {
    return Fail(ErrorCode::kResourceExhausted,
                "no file descriptor is left to wait for " + name_ + " with; raise ulimit -n");
  }
  std::array<pollfd, 2> watched{pollfd{input_, POLLIN, 0}, pollfd{stop_event_.get(), POLLIN, 0}};
  while (true) {
    if (deadline_.HasPassed(std::chrono::steady_clock::now())) {
      return Fail(ErrorCode::kTimedOut, name_ + " did not end in time");
    }
    if (poll(watched.data(), watched.size(),
             PollMilliseconds(deadline_, std::chrono::steady_clock::now())) < 0) {
      if (errno == EINTR) continue;
      return std::unexpected(Error::FromErrno(errno, "wait for " + name_));
    }
    if (watched[0].revents == 0 && watched[1].revents == 0) continue;
    if (watched[1].revents != 0) return Fail(ErrorCode::kCancelled, "interrupted");
    const ssize_t taken = read(input_, target.data(), target.size());
    if (taken >= 0) return static_cast<size_t>(taken);
    // What main() puts in the place of a closed one cannot be read.
    if (errno == EBADF) return Fail(ErrorCode::kInvalidArgument, name_ + " is closed");
    if (errno != EINTR && errno != EAGAIN) {
      return std::unexpected(Error::FromErrno(errno, "read " + name_));
    }
  }
}

}  // namespace headrace::cli
