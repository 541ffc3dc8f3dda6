// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/local_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "testing/temp_dir.h"

namespace headrace::file {
namespace {

class LocalTreeTest : public ::testing::Test {
 protected:
  void GivenFile(const std::string& path, const std::string& text = "x") {
    root_.Write(path, text);
  }
  std::vector<std::string> Walk(LocalTreeOptions options = {}) {
    auto tree = LocalTree::Open(
        root_.path(), options,
        [this](const std::string&, const Error& error) { problems_.push_back(error.message()); });
    EXPECT_TRUE(tree.has_value());
    std::vector<std::string> paths;
    while (auto entry = tree->Next()) paths.push_back(entry->path);
    return paths;
  }

  testing::TempDir root_;
  std::vector<std::string> problems_;
};

TEST_F(LocalTreeTest, GivesPathsInTheOrderOfKeys) {
  // '-' and '.' sort before '/', '0' behind it: a plain sort of names would get this wrong.
  GivenFile("a/x");
  GivenFile("a-b");
  GivenFile("a.txt");
  GivenFile("a0");
  EXPECT_EQ(Walk(), (std::vector<std::string>{"a-b", "a.txt", "a/x", "a0"}));
}

TEST_F(LocalTreeTest, TellsSizeAndTimeOfFiles) {
  GivenFile("f", "hello");
  const timespec modified{.tv_sec = 1'700'000'000, .tv_nsec = 5};
  const timespec times[] = {modified, modified};
  ASSERT_EQ(utimensat(AT_FDCWD, (root_.path() / "f").c_str(), times, 0), 0);
  auto tree = LocalTree::Open(root_.path(), {}, [](const std::string&, const Error&) {});
  ASSERT_TRUE(tree.has_value());
  const auto entry = tree->Next();
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->size_bytes, 5U);
  EXPECT_EQ(entry->modified.time_since_epoch().count(), 1'700'000'000'000'000'005);
}

TEST_F(LocalTreeTest, EmptyFoldersGiveNothing) {
  std::filesystem::create_directories(root_.path() / "empty" / "too");
  EXPECT_TRUE(Walk().empty());
}

TEST_F(LocalTreeTest, FollowsLinksOnlyWhenAsked) {
  GivenFile("real/f");
  std::filesystem::create_directory_symlink("real", root_.path() / "linked");
  std::filesystem::create_symlink("real/f", root_.path() / "g");
  EXPECT_EQ(Walk(), (std::vector<std::string>{"g", "linked/f", "real/f"}));
  EXPECT_EQ(Walk({.follow_symlinks = false}), (std::vector<std::string>{"real/f"}));
  EXPECT_TRUE(problems_.empty());
}

TEST_F(LocalTreeTest, LeavesOutCirclesDanglingLinksAndPipesAndSaysSo) {
  GivenFile("f");
  std::filesystem::create_directory_symlink(".", root_.path() / "circle");
  std::filesystem::create_symlink("nowhere", root_.path() / "dangling");
  ASSERT_EQ(mkfifo((root_.path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(Walk(), (std::vector<std::string>{"f"}));
  EXPECT_EQ(problems_.size(), 3U);
}

TEST_F(LocalTreeTest, LeavesOutNamesThatNoKeyCanHave) {
  GivenFile("bad\xff");
  GivenFile("good");
  EXPECT_EQ(Walk(), (std::vector<std::string>{"good"}));
  ASSERT_EQ(problems_.size(), 1U);
  EXPECT_NE(problems_[0].find("UTF-8"), std::string::npos);
}

TEST_F(LocalTreeTest, PassesOverWhatAnInterruptedDownloadLeft) {
  GivenFile(".f.0123456789ab.headrace-part");
  GivenFile(".hidden");
  EXPECT_EQ(Walk(), (std::vector<std::string>{".hidden"}));
}

TEST_F(LocalTreeTest, RefusesARootThatIsNotAFolder) {
  const auto missing =
      LocalTree::Open(root_.path() / "none", {}, [](const std::string&, const Error&) {});
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  GivenFile("f");
  const auto file =
      LocalTree::Open(root_.path() / "f", {}, [](const std::string&, const Error&) {});
  ASSERT_FALSE(file.has_value());
  EXPECT_EQ(file.error().code(), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace headrace::file
