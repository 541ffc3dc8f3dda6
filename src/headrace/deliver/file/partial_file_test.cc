// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/partial_file.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "testing/temp_dir.h"

namespace headrace::file {
namespace {

TEST(IsPartialName, KnowsItsOwnNames) {
  const testing::TempDir folder;
  for (const std::string name : {"a", "weights.bin", ".hidden"}) {
    const auto file = PartialFile::Create(folder.Path(name));
    ASSERT_TRUE(file.has_value());
    const auto made = std::filesystem::directory_iterator(folder.path())->path().filename();
    EXPECT_TRUE(IsPartialName(made.native())) << made;
  }
}

TEST(IsPartialName, LeavesOtherNamesToTheirOwners) {
  for (const char* name : {"", "a", ".headrace-part", "notes.headrace-part", ".notes.headrace-part",
                           ".a.0123.headrace-part", ".a.0123456789AB.headrace-part",
                           "a.0123456789ab.headrace-part", "..0123456789ab.headrace-part",
                           ".a-0123456789ab.headrace-part", ".a.0123456789ab.headrace-parts"}) {
    EXPECT_FALSE(IsPartialName(name)) << name;
  }
}

}  // namespace
}  // namespace headrace::file
