// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace::job {

// The two halves of s3://bucket/key. The key may be empty: the whole bucket.
struct S3Uri {
  std::string bucket;
  std::string key;

  bool operator==(const S3Uri&) const = default;
};

// kInvalidArgument for any other scheme, an empty bucket, a NUL, or more than the 1,024 bytes that
// SageMaker takes.
Result<S3Uri> ParseS3Uri(std::string_view text);

}  // namespace headrace::job
