// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"

namespace headrace::job {

// Reads a job file (TOML; docs/channels.md has its keys) over `defaults`: what it does not say
// stays as it is. Numbers, booleans, arrays and tables among the hyperparameters become JSON text.
// kInvalidArgument names `file_name`, the line and what is wrong; unknown keys are wrong. Limits
// and combinations are ValidateJob's.
Result<JobSpec> ParseJobFile(std::string_view text, std::string_view file_name, JobSpec defaults);

}  // namespace headrace::job
