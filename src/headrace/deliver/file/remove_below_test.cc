// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/remove_below.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"

namespace headrace::file {
namespace {

namespace fs = std::filesystem;
using headrace::testing::IsOk;
using ::testing::Not;

class RemoveBelowTest : public ::testing::Test {
 protected:
  RemoveBelowTest() {
    std::string name = ::testing::TempDir() + "remove.XXXXXX";
    folder_ = mkdtemp(name.data());
    Given("root/a/b/file");
    Given("root/a/other");
    Given("elsewhere/deep/file");
    fs::create_directory_symlink(folder_ / "elsewhere", folder_ / "root/link");
    fs::create_symlink(folder_ / "elsewhere/deep/file", folder_ / "root/name");
  }
  ~RemoveBelowTest() override { fs::remove_all(folder_); }

  void Given(const std::string& path) {
    fs::create_directories((folder_ / path).parent_path());
    std::ofstream(folder_ / path) << "x";
  }

  fs::path folder_;
};

TEST_F(RemoveBelowTest, RemovesAFileAndTheFoldersItLeavesEmpty) {
  const std::string root = folder_ / "root";
  EXPECT_FALSE(IsBehindLink(root, "a/b/file"));
  EXPECT_THAT(RemoveBelow(root, "a/b/file"), IsOk());
  EXPECT_FALSE(fs::exists(folder_ / "root/a/b"));
  EXPECT_TRUE(fs::exists(folder_ / "root/a/other"));
  EXPECT_THAT(RemoveBelow(root, "a/b/file"), Not(IsOk()));
}

TEST_F(RemoveBelowTest, NeverRemovesTheRoot) {
  Given("single/file");
  EXPECT_THAT(RemoveBelow(folder_ / "single", "file"), IsOk());
  EXPECT_TRUE(fs::exists(folder_ / "single"));
}

TEST_F(RemoveBelowTest, WhatLiesBehindALinkIsToldAndKept) {
  const std::string root = folder_ / "root";
  EXPECT_TRUE(IsBehindLink(root, "link/deep/file"));
  EXPECT_THAT(RemoveBelow(root, "link/deep/file"), Not(IsOk()));
  EXPECT_TRUE(fs::exists(folder_ / "elsewhere/deep/file"));
}

TEST_F(RemoveBelowTest, ALinkItselfIsRemovedAndNotItsTarget) {
  const std::string root = folder_ / "root";
  EXPECT_FALSE(IsBehindLink(root, "name"));
  EXPECT_THAT(RemoveBelow(root, "name"), IsOk());
  EXPECT_FALSE(fs::exists(fs::symlink_status(folder_ / "root/name")));
  EXPECT_TRUE(fs::exists(folder_ / "elsewhere/deep/file"));
}

TEST_F(RemoveBelowTest, TheRootMayBeALink) {
  EXPECT_FALSE(IsBehindLink(folder_ / "root/link", "deep/file"));
  EXPECT_THAT(RemoveBelow(folder_ / "root/link", "deep/file"), IsOk());
  EXPECT_FALSE(fs::exists(folder_ / "elsewhere/deep"));
}

}  // namespace
}  // namespace headrace::file
