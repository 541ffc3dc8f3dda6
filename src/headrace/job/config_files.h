// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"

namespace headrace::job {

// The files of input/config as JSON values. Pure; `spec` has passed ValidateJob.

// Keyed by channel name. ContentType is absent where it is not set.
nlohmann::json InputDataConfig(const JobSpec& spec);
// Flat, string to string.
nlohmann::json HyperparametersConfig(const JobSpec& spec);
// One instance group; hosts sorted by name, as ranks count them.
nlohmann::json ResourceConfig(const JobSpec& spec);
// Of a job with checkpoints. SageMaker has not published what else is in it: AWS's XGBoost
// container reads this.
nlohmann::json CheckpointConfig(const JobSpec& spec);

// Takes the hosts, this host, the instance type and the network from a resourceconfig.json that
// SageMaker wrote. kInvalidArgument says what is wrong with the text.
Status ApplyResourceConfig(std::string_view text, JobSpec& spec);

// The job's hosts in rank order.
std::vector<std::string> HostsByRank(const JobSpec& spec);

}  // namespace headrace::job
