// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/checkpoint_place.h"

#include "headrace/job/job_tree.h"

namespace headrace::job {

std::string CheckpointFolder(const JobSpec& spec) {
  if (!spec.checkpoint.folder.empty()) return spec.checkpoint.folder;
  return JobTree(spec.base_directory).checkpoints();
}

Result<S3Uri> CheckpointPrefix(const CheckpointSpec& checkpoint) {
  HR_TRY_ASSIGN(S3Uri place, While("checkpoint", ParseS3Uri(checkpoint.s3_uri)));
  if (!place.key.empty() && !place.key.ends_with('/')) place.key += '/';
  return place;
}

}  // namespace headrace::job
