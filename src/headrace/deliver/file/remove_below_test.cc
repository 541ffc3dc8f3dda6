// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/remove_below.h"

#include <filesystem>

#include <gtest/gtest.h>

#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::file {
namespace {

namespace fs = std::filesystem;
using headrace::testing::IsOk;
using ::testing::Not;

class RemoveBelowTest : public ::testing::Test {
 protected:
  RemoveBelowTest() {
    Given("root/a/b/file");
    Given("root/a/other");
    Given("elsewhere/deep/file");
    fs::create_directory_symlink(folder_.path() / "elsewhere", folder_.path() / "root/link");
    fs::create_symlink(folder_.path() / "elsewhere/deep/file", folder_.path() / "root/name");
  }

  void Given(const std::string& path) { folder_.Write(path, "x"); }

  headrace::testing::TempDir folder_;
};

TEST_F(RemoveBelowTest, RemovesAFileAndTheFoldersItLeavesEmpty) {
  const std::string root = folder_.path() / "root";
  EXPECT_FALSE(IsBehindLink(root, "a/b/file"));
  EXPECT_THAT(RemoveBelow(root, "a/b/file"), IsOk());
  EXPECT_FALSE(fs::exists(folder_.path() / "root/a/b"));
  EXPECT_TRUE(fs::exists(folder_.path() / "root/a/other"));
  EXPECT_THAT(RemoveBelow(root, "a/b/file"), Not(IsOk()));
}

TEST_F(RemoveBelowTest, NeverRemovesTheRoot) {
  Given("single/file");
  EXPECT_THAT(RemoveBelow(folder_.path() / "single", "file"), IsOk());
  EXPECT_TRUE(fs::exists(folder_.path() / "single"));
}

TEST_F(RemoveBelowTest, WhatLiesBehindALinkIsToldAndKept) {
  const std::string root = folder_.path() / "root";
  EXPECT_TRUE(IsBehindLink(root, "link/deep/file"));
  EXPECT_THAT(RemoveBelow(root, "link/deep/file"), Not(IsOk()));
  EXPECT_TRUE(fs::exists(folder_.path() / "elsewhere/deep/file"));
}

TEST_F(RemoveBelowTest, ALinkItselfIsRemovedAndNotItsTarget) {
  const std::string root = folder_.path() / "root";
  EXPECT_FALSE(IsBehindLink(root, "name"));
  EXPECT_THAT(RemoveBelow(root, "name"), IsOk());
  EXPECT_FALSE(fs::exists(fs::symlink_status(folder_.path() / "root/name")));
  EXPECT_TRUE(fs::exists(folder_.path() / "elsewhere/deep/file"));
}

TEST_F(RemoveBelowTest, TheRootMayBeALink) {
  EXPECT_FALSE(IsBehindLink(folder_.path() / "root/link", "deep/file"));
  EXPECT_THAT(RemoveBelow(folder_.path() / "root/link", "deep/file"), IsOk());
  EXPECT_FALSE(fs::exists(folder_.path() / "elsewhere/deep"));
}

}  // namespace
}  // namespace headrace::file
