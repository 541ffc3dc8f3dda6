// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <chrono>
#include <stop_token>
#include <thread>

#include "headrace/base/unique_fd.h"
#include "headrace/job/signal_inbox.h"

namespace headrace::job {

// While it lives, a signal that asks to stop (SIGTERM, SIGINT, SIGHUP, SIGQUIT) stops what runs in
// this process; other signals are dropped. With a grace the first one leaves what runs that long to
// be done, and the next one stops it at once. Reads `signals` on a thread of its own.
class StopOnSignal {
 public:
  explicit StopOnSignal(const SignalInbox& signals,
                        std::chrono::milliseconds grace = std::chrono::milliseconds(0));
  ~StopOnSignal() { End(); }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  // The first signal that asked; 0: none did. Threads: any.
  int signal() const { return signal_; }
  // Ends the watch. The signal that asked; 0: none did, and one that comes now stays in the inbox.
  int End();

 private:
  void Watch();

  const SignalInbox& signals_;
  const std::chrono::milliseconds grace_;
  UniqueFd end_;  // An eventfd: the watch is over.
  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  std::thread thread_;
};

}  // namespace headrace::job
