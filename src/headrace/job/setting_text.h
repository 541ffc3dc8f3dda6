// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"

// Values of a job's settings as flags and job files spell them. Pure; kInvalidArgument says what
// would be right.
namespace headrace::job {

// "NONE" or "GZIP", in any case: OutputDataConfig's CompressionType.
Result<Compression> ParseOutputCompression(std::string_view text);

// "s3://bucket/prefix" or "s3://bucket/prefix=DIR", in which a prefix has no '='.
Result<CheckpointSpec> ParseCheckpoint(std::string_view text);

}  // namespace headrace::job
