// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "headrace/base/environment.h"
#include "headrace/job/job_spec.h"

namespace headrace::job {

// What the command is told about the machine.
struct HostFacts {
  uint32_t cpu_count = 0;
  uint32_t gpu_count = 0;
};

// The variable that names a channel's folder: SM_CHANNEL_ and the name in upper case. Hyphens and
// dots stay, as in SageMaker, though no shell can then refer to it.
std::string ChannelVariable(std::string_view channel);

// The variable that holds a hyperparameter: SM_HP_ and the name in upper case.
std::string HyperparameterVariable(std::string_view name);

// Every variable the contract sets, with the encodings of AWS's training toolkit: strings as they
// are, null as nothing, all else as Python's compact JSON. Pure.
std::map<std::string, std::string> ContractVariables(const JobSpec& spec, const HostFacts& facts);

// The command and its arguments: with passes_hyperparameters the hyperparameters behind them, as
// AWS's toolkit calls a script: --name value, sorted by name. Pure.
std::vector<std::string> CommandWords(const JobSpec& spec);

// The command's whole environment: the inherited one without another job's channels and
// hyperparameters, the contract's variables over it, and the job's own.
Environment TrainingEnvironment(const JobSpec& spec, const HostFacts& facts,
                                const Environment& inherited);

}  // namespace headrace::job
