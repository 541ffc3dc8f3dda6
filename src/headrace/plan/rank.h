// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>

#include "headrace/base/environment.h"
#include "headrace/base/error.h"

namespace headrace::plan {

// This process's place among those that train together.
struct Rank {
  uint64_t index = 0;
  uint64_t count = 1;  // The world size.

  bool operator==(const Rank&) const = default;
};

// The rank that a launcher put into the environment; nothing where no launcher did. The first of
// these that is set counts:
//   torchrun    RANK, WORLD_SIZE
//   Open MPI    OMPI_COMM_WORLD_RANK, OMPI_COMM_WORLD_SIZE
//   MVAPICH     MV2_COMM_WORLD_RANK, MV2_COMM_WORLD_SIZE
//   MPICH       PMI_RANK, PMI_SIZE
//   Slurm       SLURM_PROCID, SLURM_STEP_NUM_TASKS (srun sets both, a batch script has the first)
//   Kubernetes  JOB_COMPLETION_INDEX, JOB_COMPLETIONS
// Kubernetes sets the index of an indexed job alone: the job's manifest has to pass its completions
// on as JOB_COMPLETIONS. kInvalidArgument, naming both variables, when the second is missing (but
// Slurm's), one is not a number, or the rank is not below the size.
Result<std::optional<Rank>> RankFromEnvironment(const Environment& environment);

}  // namespace headrace::plan
