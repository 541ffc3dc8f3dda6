// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

// <output>/<job>/output/, below which everything of a job's outputs lies. `output_uri` must be one.
Result<S3Uri> OutputFolderUri(const JobSpec& spec);

}  // namespace headrace::job
