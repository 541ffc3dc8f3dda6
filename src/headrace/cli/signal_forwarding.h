// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <array>

#include "headrace/job/signal_inbox.h"

namespace headrace::cli {

// While it lives, the signals that people and schedulers send to a job go into `inbox` instead of
// acting on this process. A signal that was ignored stays ignored (nohup). One at a time in a
// process; the inbox outlives it.
class SignalForwarding {
 public:
  explicit SignalForwarding(const job::SignalInbox& inbox);
  ~SignalForwarding();
  SignalForwarding(const SignalForwarding&) = delete;
  SignalForwarding& operator=(const SignalForwarding&) = delete;

 private:
  // SIGUSR1 and SIGUSR2: Slurm's and others' notice that time is nearly up.
  static constexpr std::array kSignals{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2};

  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace headrace::cli
