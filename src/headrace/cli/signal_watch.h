// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <thread>

namespace headrace::cli {

// Turns the first SIGINT or SIGTERM into a stop request; the second ends the process at once with
// ExitCode::kInterrupted. Made before any other thread, which inherits the blocked signals.
class SignalWatch {
 public:
  SignalWatch();
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  std::stop_token stop() const { return source_.get_token(); }

 private:
  void Watch();

  std::stop_source source_;
  int signals_ = -1;  // A signalfd.
  int end_ = -1;      // An eventfd: the watch is over.
  std::thread thread_;
};

}  // namespace headrace::cli
