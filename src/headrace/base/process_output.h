// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/environment.h"
#include "headrace/base/error.h"

namespace headrace {

struct ProcessLimits {
  Deadline deadline;
  std::stop_token stop;
  bool shows_errors = true;  // Its standard error goes where ours goes; false: nowhere.
};

// Runs a program (looked up in the environment's PATH, no shell), waits for its end and gives what
// it wrote to standard output. Blocks. kPermissionDenied when it cannot be started or ends with a
// failure; kTimedOut and kCancelled as the limits have it, when it is killed; kCorrupt beyond 1 MiB
// of output. A program that cannot even be killed (its driver hangs) is left behind.
Result<std::string> ProcessOutput(const std::vector<std::string>& words,
                                  const Environment& environment, const ProcessLimits& limits);

}  // namespace headrace
