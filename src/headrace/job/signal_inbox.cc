// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/signal_inbox.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace headrace::job {

Result<SignalInbox> SignalInbox::Make() {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return std::unexpected(Error::FromErrno(errno, "make a pipe for signals"));
  }
  return SignalInbox(UniqueFd(ends[0]), UniqueFd(ends[1]));
}

void SignalInbox::Post(int signal) const noexcept {
  const int saved_errno = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const ssize_t written = write(write_end_.get(), &byte, 1);
  errno = saved_errno;
}

int SignalInbox::Take() const {
  unsigned char byte = 0;
  return read(read_end_.get(), &byte, 1) == 1 ? byte : 0;
}

}  // namespace headrace::job
