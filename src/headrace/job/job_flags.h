// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/job/job_spec.h"

namespace headrace::job {

// What the command line of `headrace run` says. Empty: not said.
struct JobFlags {
  std::vector<std::string> channels;         // --channel NAME=URI[,option=value]...
  std::vector<std::string> resume;           // --resume [CHANNEL=]EPOCH:POSITION
  std::vector<std::string> hyperparameters;  // --hyperparameter NAME=VALUE
  bool passes_hyperparameters = false;
  std::vector<std::string> environment;  // --env NAME=VALUE
  std::string output_uri;
  std::string output_compression;  // GZIP or NONE
  std::string checkpoint;          // URI[=DIR]
  bool deletes_checkpoints = false;
  std::string max_runtime;  // "2h"
  std::string base_directory;
  std::string job_name;
  std::vector<std::string> hosts;
  std::string current_host;
  std::optional<uint64_t> rank;        // --rank, with
  std::optional<uint64_t> world_size;  // --world-size.
  std::vector<std::string> command;
};

// `spec` with the flags over it: single settings and the command are replaced, a channel replaces
// the one of its name, hyperparameters and variables are added or replaced one by one.
// kInvalidArgument for text that is not of a flag's form and for a name that two flags give.
Result<JobSpec> ApplyFlags(const JobFlags& flags, JobSpec spec);

// A job's name where nobody gave one: the command's file name as far as job names allow it, and the
// time in UTC ("train-py-2026-01-31-12-00-00-000").
std::string DefaultJobName(const std::vector<std::string>& command, SystemTime now);

}  // namespace headrace::job
