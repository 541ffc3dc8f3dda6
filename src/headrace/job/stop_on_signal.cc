// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/stop_on_signal.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <array>

#include "headrace/base/error.h"
#include "headrace/base/log.h"
#include "headrace/base/poll_wait.h"
#include "headrace/job/process.h"

namespace headrace::job {

using std::chrono::steady_clock;

StopOnSignal::StopOnSignal(const SignalInbox& signals, std::chrono::milliseconds grace)
    : signals_(signals), grace_(grace), end_(eventfd(0, EFD_CLOEXEC)) {
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
  Deadline stop_at;
  while (true) {
    std::array<pollfd, 2> polled{pollfd{.fd = end_.get(), .events = POLLIN, .revents = 0},
                                 pollfd{.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
    const int wait = PollMilliseconds(stop_at, steady_clock::now());
    if (poll(polled.data(), polled.size(), wait) < 0) continue;
    if (polled[0].revents != 0) return;
    if (stop_at.HasPassed(steady_clock::now())) {
      stop_at = Deadline();
      source_.request_stop();
    }
    const int signal = polled[1].revents != 0 ? signals_.Take() : 0;
    if (!AsksToStop(signal)) continue;
    const bool is_first = signal_ == 0;
    if (is_first) signal_ = signal;
    if (is_first && grace_.count() > 0) {
      stop_at = Deadline::After(grace_, steady_clock::now());
      Log(LogLevel::kWarning, "{}: uploads end within {} s; another signal ends them at once",
          SignalText(signal), std::chrono::ceil<std::chrono::seconds>(grace_).count());
    } else {
      source_.request_stop();
    }
  }
}

}  // namespace headrace::job
