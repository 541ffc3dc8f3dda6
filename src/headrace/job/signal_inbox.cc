// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/signal_inbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace headrace::job {

Result<SignalInbox> SignalInbox::Make() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return std::unexpected(Error::FromErrno(errno, "make a pipe for signals"));
  }
  return SignalInbox(ends[0], ends[1]);
}

SignalInbox::SignalInbox(SignalInbox&& other) noexcept
    : read_end_(std::exchange(other.read_end_, -1)),
      write_end_(std::exchange(other.write_end_, -1)) {}

SignalInbox::~SignalInbox() {
  if (read_end_ >= 0) close(read_end_);
  if (write_end_ >= 0) close(write_end_);
}

void SignalInbox::Post(int signal) const noexcept {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const ssize_t written = write(write_end_, &byte, 1);
  errno = saved_errno;
}

int SignalInbox::Take() const {
  unsigned char byte = 0;
  return read(read_end_, &byte, 1) == 1 ? byte : 0;
}

}  // namespace headrace::job
