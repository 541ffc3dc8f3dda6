// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/host_facts.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

TEST(CountGpus, CountsTheLinesThatNameOne) {
  EXPECT_EQ(CountGpus(""), 0U);
  EXPECT_EQ(CountGpus("No devices were found\n"), 0U);
  EXPECT_EQ(CountGpus("GPU 0: A100 (UUID: x)\n  MIG 1g.5gb\nGPU 1: A100"), 2U);
}

TEST(LookAtHost, CountsNoGpusWhereTheToolFails) {
  const testing::TempDir folder;
  Environment environment;
  environment.Set("PATH", folder.string());
  EXPECT_EQ(LookAtHost(environment).gpu_count, 0U);
  EXPECT_GE(LookAtHost(environment).cpu_count, 1U);
  const std::string tool = folder.Write("nvidia-smi", "#!/bin/sh\necho 'GPU 0: x'\nexit 9\n");
  std::filesystem::permissions(tool, std::filesystem::perms::owner_all);
  EXPECT_EQ(LookAtHost(environment).gpu_count, 0U);
  folder.Write("nvidia-smi", "#!/bin/sh\necho 'GPU 0: x'\n");
  EXPECT_EQ(LookAtHost(environment).gpu_count, 1U);
}

}  // namespace
}  // namespace headrace::job
