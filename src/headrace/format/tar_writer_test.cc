// SPDX-License-Identifier: Apache-2.0
#include "headrace/format/tar_writer.h"

#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "testing/temp_dir.h"

namespace headrace::format {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

// What an independent reader, the machine's tar, makes of an archive.
class TarWriterTest : public ::testing::Test {
 protected:
  TarWriterTest() { fs::create_directories(folder_.path() / "out"); }

  void Add(const TarEntry& entry, const std::string& contents = "") {
    archive_ += TarHeader(entry) + contents + std::string(TarPaddingBytes(contents.size()), '\0');
  }
  std::string Tar(const std::string& action) {
    folder_.Write("a.tar", archive_ + std::string(kTarEndBytes, '\0'));
    const std::string command = fmt::format("TZ=UTC tar {} -f {}/a.tar -C {}/out 2>&1", action,
                                            folder_.string(), folder_.string());
    std::FILE* pipe = popen(command.c_str(), "r");
    std::string shown;
    char line[4096];
    while (std::fgets(line, sizeof(line), pipe) != nullptr) shown += line;
    EXPECT_EQ(pclose(pipe), 0) << shown;
    return shown;
  }
  std::string ReadOut(const std::string& name) { return folder_.Read("out/" + name); }

  headrace::testing::TempDir folder_;
  std::string archive_;
};

TEST_F(TarWriterTest, IsReadBackByTar) {
  const std::string contents(1000, 'x');
  Add({.kind = TarEntry::Kind::kDirectory, .name = "sub", .mode = 0750});
  Add({.name = "sub/model.bin",
       .size_bytes = contents.size(),
       .mode = 0640,
       .modified_seconds = 1'769'860'800},
      contents);
  Add({.name = "empty"});
  Add({.kind = TarEntry::Kind::kSymlink, .name = "link", .link_target = "sub/model.bin"});
  EXPECT_THAT(Tar("-tv"),
              HasSubstr("-rw-r----- 0/0            1000 2026-01-31 12:00 sub/model.bin"));
  Tar("-x");
  EXPECT_EQ(ReadOut("sub/model.bin"), contents);
  EXPECT_EQ(ReadOut("link"), contents);
  EXPECT_TRUE(fs::exists(folder_.path() / "out/empty"));
}

TEST_F(TarWriterTest, KeepsNamesAndLinksOfAnyLength) {
  const std::string name = fmt::format("{:d>120}/{:f>99}/é", "", "");
  Add({.name = name, .size_bytes = 1}, "x");
  Add({.kind = TarEntry::Kind::kSymlink,
       .name = "link",
       .link_target = fmt::format("{:t>150}", "")});
  Tar("-x");
  EXPECT_EQ(ReadOut(name), "x");
  EXPECT_EQ(fs::read_symlink(folder_.path() / "out/link").string().size(), 150U);
}

TEST(TarHeader, SaysSizesBeyondEightGibibytesInPax) {
  const std::string header = TarHeader({.name = "big", .size_bytes = 1ULL << 33U});
  EXPECT_EQ(header.size(), 3 * kTarBlockBytes);
  EXPECT_EQ(header.substr(kTarBlockBytes, 19), "19 size=8589934592\n");
  EXPECT_EQ(TarHeader({.name = "big", .size_bytes = (1ULL << 33U) - 1}).size(), kTarBlockBytes);
}

}  // namespace
}  // namespace headrace::format
