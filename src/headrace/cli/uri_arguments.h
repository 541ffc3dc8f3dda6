// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include <fmt/format.h>

#include "headrace/base/error.h"
#include "headrace/store/s3_uri.h"

namespace headrace::cli {

// The bucket of "s3://BUCKET" or "s3://BUCKET/"; kInvalidArgument for a URI with a key. Pure.
inline Result<std::string> ParseBucket(std::string_view text) {
  HR_TRY_ASSIGN(S3Uri uri, ParseS3Uri(text));
  if (uri.key.empty()) return std::move(uri.bucket);
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' names an object; a bucket is s3://BUCKET", text));
}

// The object of "s3://BUCKET/KEY"; kInvalidArgument without a key. Pure.
inline Result<S3Uri> ParseObject(std::string_view text) {
  HR_TRY_ASSIGN(S3Uri uri, ParseS3Uri(text));
  if (!uri.key.empty()) return uri;
  return Fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' names no object; an object is s3://BUCKET/KEY", text));
}

}  // namespace headrace::cli
