// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"
#include "headrace/store/s3_uri.h"

namespace headrace::job {

// Where a job's checkpoints are on disk.
std::string CheckpointFolder(const JobSpec& spec);

// Where they are in the store: the key is empty or ends in '/', so that "ckpt" never takes the
// objects of "ckpt2".
Result<S3Uri> CheckpointPrefix(const CheckpointSpec& checkpoint);

}  // namespace headrace::job
