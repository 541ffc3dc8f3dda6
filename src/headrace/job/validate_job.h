// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"

namespace headrace::job {

// SageMaker's limits on a CreateTrainingJob request, where they bind a job here too.
struct JobLimits {
  size_t channel_count_max = 20;
  size_t channel_name_bytes_max = 64;
  size_t uri_bytes_max = 1024;
  size_t content_type_bytes_max = 256;
  size_t attribute_name_count_max = 16;
  size_t attribute_name_bytes_max = 256;
  size_t hyperparameter_count_max = 100;
  size_t hyperparameter_name_bytes_max = 256;
  size_t hyperparameter_value_bytes_max = 2500;
  size_t environment_count_max = 100;
  size_t environment_name_bytes_max = 512;
  size_t environment_value_bytes_max = 512;
  size_t job_name_bytes_max = 63;
};

// Everything that can be known to be wrong with a job without looking outside its description:
// limits, names, legal combinations, duplicates and clashes. kInvalidArgument names the channel or
// setting and what to change; kUnsupported what SageMaker takes and headrace does not do.
Status ValidateJob(const JobSpec& spec);

}  // namespace headrace::job
