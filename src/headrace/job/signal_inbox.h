// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>

#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"

namespace headrace::job {

// Signals on their way from a process's handlers to whoever deals with them now.
// Threads: Post from anywhere, signal handlers included; the rest from one thread at a time.
class SignalInbox {
 public:
  static Result<SignalInbox> Make();

  // Async-signal-safe. Drops the signal when thousands wait already.
  void Post(int signal) const noexcept;
  // The oldest signal that waits; 0: none.
  int Take() const;
  // Readable while a signal waits; for poll(2).
  int fd() const { return read_end_.get(); }

 private:
  SignalInbox(UniqueFd read_end, UniqueFd write_end)
      : read_end_(std::move(read_end)), write_end_(std::move(write_end)) {}

  UniqueFd read_end_;
  UniqueFd write_end_;
};

}  // namespace headrace::job
