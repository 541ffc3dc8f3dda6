// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/stop_on_signal.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>

#include "headrace/base/error.h"
#include "headrace/job/process.h"

namespace headrace::job {

StopOnSignal::StopOnSignal(const SignalInbox& signals)
    : signals_(signals), end_(eventfd(0, EFD_CLOEXEC)) {
  HR_CHECK(end_.is_open());
  thread_ = std::thread([this] { Watch(); });
}

int StopOnSignal::End() {
  if (thread_.joinable()) {
    HR_CHECK(eventfd_write(end_.get(), 1) == 0);
    thread_.join();
  }
  return signal_;
}

void StopOnSignal::Watch() {
  while (true) {
    std::array<pollfd, 2> polled{pollfd{.fd = end_.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
    if (poll(polled.data(), polled.size(), -1) < 0) continue;
    if (polled[0].revents != 0) return;
    const int signal = signals_.Take();
    if (!AsksToStop(signal) || signal_ != 0) continue;
    signal_ = signal;
    source_.request_stop();
  }
}

}  // namespace headrace::job
