// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"

namespace headrace::s3 {

// Runs a program (looked up in the environment's PATH, no shell), waits for its end and gives what
// it wrote to standard output; standard error goes where ours goes. Blocks. kPermissionDenied when
// it cannot be started or ends with a failure; kTimedOut after `time_max`, when it is killed;
// kCorrupt beyond 1 MiB of output.
Result<std::string> ProcessOutput(const std::vector<std::string>& words,
                                  const Environment& environment,
                                  std::chrono::milliseconds time_max);

}  // namespace headrace::s3
