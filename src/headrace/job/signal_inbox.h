// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/error.h"

namespace headrace::job {

// Signals on their way from a process's handlers to whoever deals with them now.
// Threads: Post from anywhere, signal handlers included; the rest from one thread at a time.
class SignalInbox {
 public:
  static Result<SignalInbox> Make();
  ~SignalInbox();
  SignalInbox(SignalInbox&& other) noexcept;
  SignalInbox& operator=(SignalInbox&&) = delete;

  // Async-signal-safe. Drops the signal when thousands wait already.
  void Post(int signal) const noexcept;
  // The oldest signal that waits; 0: none.
  int Take() const;
  // Readable while a signal waits; for poll(2).
  int fd() const { return read_end_; }

 private:
  SignalInbox(int read_end, int write_end) : read_end_(read_end), write_end_(write_end) {}

  int read_end_;
  int write_end_;
};

}  // namespace headrace::job
