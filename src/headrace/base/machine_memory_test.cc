// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/machine_memory.h"

#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(MachineMemory, EveryUnifiedGroupUpToTheRootMayLimit) {
  EXPECT_THAT(MemoryLimitFiles("0::/user.slice/job.scope\n"),
              ElementsAre("/sys/fs/cgroup/user.slice/job.scope/memory.max",
                          "/sys/fs/cgroup/user.slice/memory.max", "/sys/fs/cgroup/memory.max"));
  // A container with a namespace of its own.
  EXPECT_THAT(MemoryLimitFiles("0::/\n"), ElementsAre("/sys/fs/cgroup/memory.max"));
}

TEST(MachineMemory, OfTheOldInterfaceOnlyTheMemoryControllerCounts) {
  EXPECT_THAT(MemoryLimitFiles("12:pids:/docker/1f\n"
                               "9:cpu,memory:/docker/1f\n"
                               "4:hugetlb,memory_like:/docker/1f\n"
                               "1:name=systemd:/docker/1f\n"),
              ElementsAre("/sys/fs/cgroup/memory/docker/1f/memory.limit_in_bytes",
                          "/sys/fs/cgroup/memory/docker/memory.limit_in_bytes",
                          "/sys/fs/cgroup/memory/memory.limit_in_bytes"));
}

TEST(MachineMemory, WhatIsNoListOfGroupsNamesNoFile) {
  for (const char* text : {"", "\n", "0", "0:", "0::", "0::relative", "memory:/x"}) {
    EXPECT_THAT(MemoryLimitFiles(text), IsEmpty()) << text;
  }
}

TEST(MachineMemory, ALimitIsANumberOfBytesAndMaxIsNone) {
  EXPECT_EQ(ParseMemoryLimit("2147483648\n"), 2147483648U);
  EXPECT_EQ(ParseMemoryLimit("9223372036854771712\n"), 9223372036854771712U);
  for (const char* text : {"", "\n", "max\n", "12 MiB", "-1"}) {
    EXPECT_EQ(ParseMemoryLimit(text), std::nullopt) << text;
  }
}

TEST(MachineMemory, IsAtMostTheMachines) {
  EXPECT_GT(UsableMemoryBytes(), 0U);
  EXPECT_LE(UsableMemoryBytes() / static_cast<uint64_t>(sysconf(_SC_PAGESIZE)),
            static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)));
}

}  // namespace
}  // namespace headrace
