// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>

#include "headrace/base/error.h"
#include "headrace/base/unique_fd.h"

namespace headrace::job {

// A process that does nothing but outlive this one: when this one is killed, by SIGKILL or for
// want of memory, it ends the command's process group as a stop does, by SIGTERM, so that a script
// can save its work, and by SIGKILL once the grace is over. A parent-death signal would reach the
// command alone, not what a shell or a launcher runs for it, and could not follow with SIGKILL.
//
// It is forked, and shares the memory of that moment for as long as it lives: make it early. It has
// no descriptor of ours open, stands in a group of its own and hears no signal but SIGKILL.
// Threads: one at a time.
class ProcessGuard {
 public:
  // Fails like fork(2).
  static Result<ProcessGuard> Make();
  ProcessGuard(ProcessGuard&&) noexcept = default;
  ProcessGuard& operator=(ProcessGuard&&) = delete;
  // Whoever comes this far was not killed: what is watched is left alone.
  ~ProcessGuard();

  // From now on the group is ended when we are.
  void Watch(pid_t group, std::chrono::milliseconds grace) const;
  // The group has ended, and its number may be another's soon.
  void Forget() const;

 private:
  ProcessGuard(pid_t process, UniqueFd orders) : process_(process), orders_(std::move(orders)) {}

  pid_t process_;
  UniqueFd orders_;  // A socket; its end without an order is our death.
};

}  // namespace headrace::job
