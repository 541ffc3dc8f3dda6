// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/signal_watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "headrace/base/error.h"
#include "headrace/cli/exit_code.h"

namespace headrace::cli {
namespace {

bool IsIgnored(int signal) {
  struct sigaction action{};
  return sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// A blocked signal reaches a signalfd even where it is ignored.
sigset_t WatchedSignals(bool notes_hangups) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (!IsIgnored(signal) || (signal == SIGHUP && notes_hangups)) sigaddset(&signals, signal);
  }
  return signals;
}

}  // namespace

bool Hangups::Wait(const std::stop_token& stop) {
  const std::stop_callback wake(stop, [this] {
    // Taken and dropped: who has just seen "not stopped" is waiting by now.
    {
      const MutexLock lock(mutex_);
    }
    changed_.NotifyAll();
  });
  const MutexLock lock(mutex_);
  while (!is_pending_ && !stop.stop_requested()) changed_.Wait(mutex_);
  if (stop.stop_requested()) return false;
  is_pending_ = false;
  return true;
}

void Hangups::Note() {
  {
    const MutexLock lock(mutex_);
    is_pending_ = true;
  }
  changed_.NotifyAll();
}

SignalWatch::SignalWatch(bool notes_hangups)
    : notes_hangups_(notes_hangups), watched_(WatchedSignals(notes_hangups)) {
  HR_CHECK(pthread_sigmask(SIG_BLOCK, &watched_, nullptr) == 0);
  signals_ = signalfd(-1, &watched_, SFD_CLOEXEC);
  end_ = eventfd(0, EFD_CLOEXEC);
  HR_CHECK(signals_ >= 0);
  HR_CHECK(end_ >= 0);
  thread_ = std::thread([this] { Watch(); });
}

SignalWatch::~SignalWatch() {
  const uint64_t one = 1;
  HR_CHECK(write(end_, &one, sizeof(one)) == sizeof(one));
  thread_.join();
  close(signals_);
  close(end_);
  pthread_sigmask(SIG_UNBLOCK, &watched_, nullptr);
}

void SignalWatch::Watch() {
  std::array<pollfd, 2> watched{pollfd{signals_, POLLIN, 0}, pollfd{end_, POLLIN, 0}};
  while (true) {
    if (poll(watched.data(), watched.size(), -1) < 0 && errno == EINTR) continue;
    if (watched[1].revents != 0) return;
    signalfd_siginfo signal{};
    if (read(signals_, &signal, sizeof(signal)) != sizeof(signal)) continue;
    if (signal.ssi_signo == SIGHUP && notes_hangups_) {
      hangups_->Note();
      continue;
    }
    if (source_.stop_requested()) _exit(static_cast<int>(ExitCode::kInterrupted));
    source_.request_stop();
  }
}

}  // namespace headrace::cli
