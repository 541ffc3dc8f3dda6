// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/signal_forwarding.h"

#include <atomic>

#include "headrace/base/error.h"

namespace headrace::cli {
namespace {

// A handler has no argument but the signal.
std::atomic<const job::SignalInbox*> current_inbox = nullptr;

void Forward(int signal) {
  if (const job::SignalInbox* inbox = current_inbox) inbox->Post(signal);
}

}  // namespace

SignalForwarding::SignalForwarding(const job::SignalInbox& inbox) {
  HR_CHECK(current_inbox.exchange(&inbox) == nullptr);
  struct sigaction action{};
  action.sa_handler = Forward;
  action.sa_flags = SA_RESTART;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) sigaction(kSignals[i], &action, nullptr);
  }
}

SignalForwarding::~SignalForwarding() {
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &before_[i], nullptr);
  current_inbox = nullptr;
}

}  // namespace headrace::cli
