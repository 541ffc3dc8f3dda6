// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

namespace headrace::job {

// As fork(2), but all signals are blocked in the new process: our handlers would run there too and
// post to what it shares with us. The caller's mask is as it was.
pid_t ForkBlocked();

}  // namespace headrace::job
