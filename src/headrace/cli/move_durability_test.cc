// SPDX-License-Identifier: Apache-2.0
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

#include <gtest/gtest.h>

#include "headrace/cli/commands_fixture.h"

namespace {

std::atomic<int> sync_count = 0;

}  // namespace

// In the place of the C library's, for all of this program: counts, and does the same.
extern "C" int fsync(int file) {
  ++sync_count;
  return static_cast<int>(syscall(SYS_fsync, file));
}

namespace headrace::cli {
namespace {

TEST_F(CommandsTest, MvHasFilesOnTheDiskBeforeTheirObjectsGo) {
  GivenObject("p/a", "the only copy");
  sync_count = 0;
  EXPECT_EQ(Run({"cp", "s3://bkt/p/a", Path("copy")}), 0) << err_;
  EXPECT_EQ(sync_count, 0);
  EXPECT_EQ(Run({"mv", "s3://bkt/p/a", Path("moved")}), 0) << err_;
  // The file and its folder.
  EXPECT_EQ(sync_count, 2);
  EXPECT_TRUE(Keys().empty());
}

}  // namespace
}  // namespace headrace::cli
