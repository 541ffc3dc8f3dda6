// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/fork_blocked.h"

#include <signal.h>
#include <unistd.h>

#include <cerrno>

namespace headrace::job {

pid_t ForkBlocked() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t process = fork();
  if (process == 0) return process;
  const int failure = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = failure;
  return process;
}

}  // namespace headrace::job
