// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/look_up.h"

#include <utility>

#include <fmt/format.h>

#include "headrace/plan/key_path.h"

namespace headrace::cli {

Result<ObjectHead> LookUp(CommandContext& context, ObjectStore& store, const S3Uri& uri) {
  const CallContext call = context.call();
  const HeadRequest request{.bucket = uri.bucket, .key = uri.key, .conditions = {}};
  Result<ObjectHead> head = context.Run(store.Head(request, call));
  if (head || head.error().code() != ErrorCode::kNotFound) return head;
  const Status bucket = context.Run(store.HeadBucket(uri.bucket, call));
  if (bucket) {
    return Fail(ErrorCode::kNotFound,
                fmt::format("there is no object {}; headrace ls s3://{} shows what there is",
                            plan::ShownKey(FormatS3Uri(uri.bucket, uri.key)), uri.bucket));
  }
  if (bucket.error().code() != ErrorCode::kNotFound) return head;
  return Fail(
      ErrorCode::kNotFound,
      fmt::format("there is no bucket s3://{0}; check its name and the endpoint, or make it "
                  "with headrace mb s3://{0}",
                  uri.bucket));
}

}  // namespace headrace::cli
