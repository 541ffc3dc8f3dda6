// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/output_place.h"

namespace headrace::job {

Result<S3Uri> OutputFolderUri(const JobSpec& spec) {
  HR_TRY_ASSIGN(S3Uri target, ParseS3Uri(spec.output_uri));
  if (!target.key.empty() && !target.key.ends_with('/')) target.key += '/';
  target.key += spec.name + "/output/";
  return target;
}

}  // namespace headrace::job
