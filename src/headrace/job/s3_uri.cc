// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/s3_uri.h"

#include <fmt/format.h>

namespace headrace::job {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr size_t kUriBytesMax = 1024;

}  // namespace

Result<S3Uri> ParseS3Uri(std::string_view text) {
  const auto refuse = [whole = text](std::string_view why) {
    return Fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' {}; write s3://bucket/prefix", whole.substr(0, 100), why));
  };
  if (!text.starts_with(kScheme)) return refuse("is not an S3 URI");
  if (text.size() > kUriBytesMax) return refuse("is longer than 1024 bytes");
  if (text.find('\0') != std::string_view::npos) return refuse("holds a NUL byte");
  text.remove_prefix(kScheme.size());
  const size_t slash = text.find('/');
  if (slash == 0 || text.empty()) return refuse("names no bucket");
  S3Uri uri{.bucket = std::string(text.substr(0, slash)), .key = {}};
  if (slash != std::string_view::npos) uri.key = text.substr(slash + 1);
  return uri;
}

}  // namespace headrace::job
