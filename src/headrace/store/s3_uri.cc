// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3_uri.h"

#include <fmt/format.h>

#include "headrace/base/uri_text.h"

namespace headrace {
namespace {

constexpr std::string_view kScheme = "s3://";

// "s3://ACCESS:SECRET@bucket/key", as Hadoop's tools once took it; the secret may hold a slash.
bool HasUser(std::string_view bucket, std::string_view rest) {
  return bucket.contains('@') || (bucket.contains(':') && rest.contains('@'));
}

}  // namespace

bool IsS3Uri(std::string_view text) { return text.starts_with(kScheme); }

Result<S3Uri> ParseS3Uri(std::string_view text) {
  if (!IsS3Uri(text)) {
    std::string message = fmt::format("'{}' is not of the form s3://BUCKET/KEY", BlankUser(text));
    // The commonest slip: a bucket's bare name.
    const bool may_be_bucket = !text.empty() && text.front() != '.' && text.front() != '/' &&
                               text.find(':') == std::string_view::npos;
    if (may_be_bucket) message += fmt::format(": write s3://{}", text);
    return Fail(ErrorCode::kInvalidArgument, std::move(message));
  }
  const std::string_view rest = text.substr(kScheme.size());
  const size_t slash = rest.find('/');
  const std::string_view bucket = rest.substr(0, slash);
  if (bucket.empty()) {
    return Fail(ErrorCode::kInvalidArgument, fmt::format("'{}' names no bucket", text));
  }
  if (HasUser(bucket, rest)) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}': keys have no place in it; write s3://BUCKET/KEY and give them "
                            "in the environment or a profile",
                            BlankUser(text)));
  }
  const std::string_view key =
      slash == std::string_view::npos ? std::string_view() : rest.substr(slash + 1);
  return S3Uri{.bucket = std::string(bucket), .key = std::string(key)};
}

std::string FormatS3Uri(std::string_view bucket, std::string_view key) {
  return fmt::format("{}{}/{}", kScheme, bucket, key);
}

}  // namespace headrace
