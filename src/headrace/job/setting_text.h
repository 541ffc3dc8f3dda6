// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <string_view>

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"

// Values of a job's settings as flags and job files spell them. Pure; kInvalidArgument says what
// would be right.
namespace headrace::job {

// "90", "90s", "10m", "2h", "1.5h", "500ms": above 0 and at most 31 days, whatever is longer being
// a mistake.
Result<std::chrono::milliseconds> ParseSpan(std::string_view text);

// "NONE" or "GZIP", in any case: OutputDataConfig's CompressionType.
Result<Compression> ParseOutputCompression(std::string_view text);

// "s3://bucket/prefix" or "s3://bucket/prefix=DIR", in which a prefix has no '='.
Result<CheckpointSpec> ParseCheckpoint(std::string_view text);

}  // namespace headrace::job
