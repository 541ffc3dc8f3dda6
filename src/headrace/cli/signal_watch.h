// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <signal.h>

#include <memory>
#include <stop_token>
#include <thread>

#include "headrace/base/mutex.h"

namespace headrace::cli {

// SIGHUP as commands that reload on it see it. Threads: any.
class Hangups {
 public:
  // Blocks until a hangup was noted that no earlier call has answered to (true), or until `stop`
  // (false). Several hangups at once count as one.
  bool Wait(const std::stop_token& stop) HR_EXCLUDES(mutex_);
  void Note() HR_EXCLUDES(mutex_);

 private:
  Mutex mutex_;
  CondVar changed_;
  bool is_pending_ HR_GUARDED_BY(mutex_) = false;
};

// Turns the first SIGINT, SIGTERM or SIGHUP into a stop request; the second ends the process at
// once with ExitCode::kInterrupted. One that was ignored (nohup) stays ignored. Made before any
// other thread, which inherits the blocked signals.
class SignalWatch {
 public:
  // `notes_hangups`: SIGHUP is noted in hangups() instead.
  explicit SignalWatch(bool notes_hangups = false);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

  std::stop_token stop() const { return source_.get_token(); }
  const std::shared_ptr<Hangups>& hangups() const { return hangups_; }

 private:
  void Watch();

  std::stop_source source_;
  std::shared_ptr<Hangups> hangups_ = std::make_shared<Hangups>();
  const bool notes_hangups_;
  const sigset_t watched_;
  int signals_ = -1;  // A signalfd.
  int end_ = -1;      // An eventfd: the watch is over.
  std::thread thread_;
};

}  // namespace headrace::cli
