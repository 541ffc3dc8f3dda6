// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "headrace/base/environment.h"
#include "headrace/job/training_environment.h"

namespace headrace::job {

// How many GPUs `nvidia-smi --list-gpus` of the environment's PATH shows, and the processors
// online. No GPUs where it is missing, fails or takes more than 10 seconds: a driver that hangs
// must not hang the job. Blocks.
HostFacts LookAtHost(const Environment& environment);

// The GPUs of what `nvidia-smi --list-gpus` prints: its lines that start with "GPU ".
uint32_t CountGpus(std::string_view listed);

}  // namespace headrace::job
