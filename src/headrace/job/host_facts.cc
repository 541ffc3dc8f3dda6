// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/host_facts.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "headrace/base/process_output.h"

namespace headrace::job {
namespace {

// It answers within two seconds where the driver has to be loaded first.
constexpr std::chrono::seconds kTimeMax{10};

}  // namespace

uint32_t CountGpus(std::string_view listed) {
  uint32_t count = 0;
  while (!listed.empty()) {
    if (listed.starts_with("GPU ")) ++count;
    listed.remove_prefix(std::min(listed.find('\n'), listed.size() - 1) + 1);
  }
  return count;
}

HostFacts LookAtHost(const Environment& environment) {
  HostFacts facts{.cpu_count = static_cast<uint32_t>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L))};
  const ProcessLimits limits{
      .deadline = Deadline::After(kTimeMax, std::chrono::steady_clock::now()),
      .stop = {},
      .shows_errors = false};
  const auto listed = ProcessOutput({"nvidia-smi", "--list-gpus"}, environment, limits);
  if (listed) facts.gpu_count = CountGpus(*listed);
  return facts;
}

}  // namespace headrace::job
