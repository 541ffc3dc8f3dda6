// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/partial_file.h"

#include <fcntl.h>
#include <sys/stat.h>

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

TEST(RemovePartialFiles, TakesOldPiecesAlone) {
  const testing::TempDir folder;
  const auto write_at = [&folder](const std::string& name, time_t second) {
    const timespec time{.tv_sec = second, .tv_nsec = 0};
    const timespec times[2] = {time, time};
    utimensat(AT_FDCWD, folder.Write(name, "x").c_str(), times, 0);
  };
  write_at("below/.old.0123456789ab.headrace-part", 1'000);
  write_at("below/old", 1'000);
  write_at(".new.0123456789ab.headrace-part", 3'000);
  RemovePartialFiles(folder.string(), SystemTime(std::chrono::seconds(2'000)));
  EXPECT_FALSE(folder.Has("below/.old.0123456789ab.headrace-part"));
  EXPECT_TRUE(folder.Has("below/old"));
  EXPECT_TRUE(folder.Has(".new.0123456789ab.headrace-part"));
}

}  // namespace
}  // namespace headrace::file
