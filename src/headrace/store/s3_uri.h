// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "headrace/base/error.h"

namespace headrace {

// "s3://bucket/key": where an object is, or, with a key that is a prefix or empty, where many are.
struct S3Uri {
  std::string bucket;
  std::string key;  // Everything after the slash that follows the bucket, untouched.

  bool operator==(const S3Uri&) const = default;
};

// True when `text` starts as an S3 URI does, right or wrong.
bool IsS3Uri(std::string_view text);

// Takes "s3://bucket", "s3://bucket/" and "s3://bucket/key"; kInvalidArgument for another scheme,
// an empty bucket, or a bucket with a user's name or keys before it, which the message does not
// show.
Result<S3Uri> ParseS3Uri(std::string_view text);

// As ParseS3Uri reads it; "s3://bucket/" for an empty key.
std::string FormatS3Uri(std::string_view bucket, std::string_view key);

}  // namespace headrace
