// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/output_check.h"

#include "headrace/base/task.h"
#include "headrace/job/output_place.h"

namespace headrace::job {

Status CheckWritable(const S3Uri& object, ObjectStore& store, EventLoops& loops,
                     const CallContext& context) {
  CreateMultipartRequest request;
  request.bucket = object.bucket;
  request.key = object.key;
  auto upload = RunBlocking(loops.Next(), store.CreateMultipart(request, context));
  if (upload) {
    // One that cannot be given up holds no part, and the store's own rules remove it.
    (void)RunBlocking(loops.Next(), store.AbortMultipart(*upload, context));
    return Ok();
  }
  const ErrorCode code = upload.error().code();
  if (code != ErrorCode::kPermissionDenied && code != ErrorCode::kNotFound) return Ok();
  return std::unexpected(std::move(upload).error());
}

Status CheckOutputPlace(const JobSpec& spec, ObjectStore& store, EventLoops& loops,
                        const CallContext& context) {
  HR_TRY_ASSIGN(S3Uri target, OutputFolderUri(spec));
  target.key += "model.tar.gz";
  return While("output " + spec.output_uri, CheckWritable(target, store, loops, context));
}

}  // namespace headrace::job
