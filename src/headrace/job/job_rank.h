// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"
#include "headrace/plan/rank.h"

namespace headrace::job {

// This process's rank among those that share the job's data. What the job's user says counts
// (JobSpec::rank), then what a launcher put into `environment` (plan::RankFromEnvironment), then
// the host's place in the sorted list of hosts. Where there are several hosts, all that is said has
// to agree: kInvalidArgument names both sides. Pure.
Result<plan::Rank> RankOf(const JobSpec& spec, const Environment& environment);

// Puts the rank's number in place of "{rank}" in the job's name, base directory, output and
// checkpoint, so that ranks that are described alike do not take each other's places. Asks for no
// rank where nothing says "{rank}".
Status ExpandRank(const Environment& environment, JobSpec& spec);

}  // namespace headrace::job
