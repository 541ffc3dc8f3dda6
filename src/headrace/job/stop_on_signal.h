// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <thread>

#include "headrace/base/unique_fd.h"
#include "headrace/job/signal_inbox.h"

namespace headrace::job {

// While it lives, a signal that asks to stop (SIGTERM, SIGINT, SIGHUP, SIGQUIT) stops what runs in
// this process; other signals are dropped. Reads `signals` on a thread of its own.
class StopOnSignal {
 public:
  explicit StopOnSignal(const SignalInbox& signals);
  ~StopOnSignal() { End(); }
  StopOnSignal(const StopOnSignal&) = delete;
  StopOnSignal& operator=(const StopOnSignal&) = delete;

  std::stop_token token() const { return source_.get_token(); }
  // Ends the watch. The signal that asked; 0: none did, and one that comes now stays in the inbox.
  int End();

 private:
  void Watch();

  const SignalInbox& signals_;
  UniqueFd end_;  // An eventfd: the watch is over.
  std::stop_source source_;
  int signal_ = 0;  // The watching thread's until it has been joined.
  std::thread thread_;
};

}  // namespace headrace::job
