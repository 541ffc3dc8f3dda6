// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/directory_binding.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/job/directory_channel.h"
#include "headrace/job/process.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;
using headrace::testing::IsOk;
using headrace::testing::TempDir;
using ::testing::HasSubstr;

class DirectoryBindingTest : public ::testing::Test {
 protected:
  DirectoryBindingTest() {
    folder_.Write("data/a.txt", "alpha");
    fs::create_directories(folder_.path() / "tree/train");
  }
  std::vector<DirectoryBinding> Bindings(bool is_writable) const {
    return {{.directory = folder_.Path("data"),
             .target = folder_.Path("tree/train"),
             .is_writable = is_writable}};
  }
  int RunShell(const std::string& script, std::vector<DirectoryBinding> bindings) {
    const Environment environment({{"PATH", "/usr/bin:/bin"}, {"T", folder_.Path("tree/train")}});
    return RunProcess("/bin/sh", {"sh", "-c", script}, environment, signals_,
                      {.bindings = std::move(bindings)})
        .value()
        .exit_code;
  }
  bool TargetIsEmpty() const { return fs::is_empty(folder_.path() / "tree/train"); }
  static std::string Mounts() {
    std::ifstream in("/proc/self/mountinfo");
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  TempDir folder_;
  SignalInbox signals_ = SignalInbox::Make().value();
};

TEST_F(DirectoryBindingTest, TheCommandAloneSeesTheDirectory) {
  if (!TryBindings(Bindings(false))) GTEST_SKIP() << "this user may not mount";
  const std::string before = Mounts();
  EXPECT_EQ(RunShell("grep -q alpha $T/a.txt && ! touch $T/new 2>/dev/null", Bindings(false)), 0);
  EXPECT_TRUE(TargetIsEmpty());
  EXPECT_EQ(RunShell("echo beta > $T/b.txt", Bindings(true)), 0);
  EXPECT_EQ(folder_.Read("data/b.txt"), "beta\n");
  EXPECT_EQ(Mounts(), before);
}

TEST_F(DirectoryBindingTest, NothingStaysMountedWhenTheCommandKillsItself) {
  if (!TryBindings(Bindings(false))) GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(RunShell("test -e $T/a.txt && kill -9 $$", Bindings(false)), kExitSignalBase + SIGKILL);
  EXPECT_TRUE(TargetIsEmpty());
  EXPECT_THAT(Mounts(), Not(HasSubstr(folder_.string())));
}

TEST_F(DirectoryBindingTest, SaysWhichMountFails) {
  if (!TryBindings(Bindings(false))) GTEST_SKIP() << "this user may not mount";
  auto bindings = Bindings(false);
  bindings[0].directory += "/none";
  EXPECT_THAT(TryBindings(bindings).error().message(), HasSubstr("/data/none at "));
}

TEST_F(DirectoryBindingTest, LinksStandInAndLeaveEmptyFolders) {
  const fs::path target = folder_.path() / "tree/train";
  {
    const auto links = DirectoryLinks::Make(Bindings(false));
    ASSERT_THAT(links, IsOk());
    EXPECT_TRUE(fs::is_symlink(target));
    EXPECT_EQ(folder_.Read("tree/train/a.txt"), "alpha");
  }
  EXPECT_FALSE(fs::is_symlink(target));
  EXPECT_TRUE(TargetIsEmpty());
  EXPECT_TRUE(folder_.Has("data/a.txt"));
}

TEST_F(DirectoryBindingTest, RemovesLinksThatAKilledJobLeftAndNoOthers) {
  const std::string target = folder_.Path("tree/train");
  ASSERT_EQ(rmdir(target.c_str()), 0);
  ASSERT_EQ(symlink(("/." + folder_.Path("data")).c_str(), target.c_str()), 0);
  RemoveLeftLink(target);
  EXPECT_FALSE(fs::is_symlink(target));
  EXPECT_TRUE(folder_.Has("data/a.txt"));
  ASSERT_EQ(symlink(folder_.Path("data").c_str(), target.c_str()), 0);
  RemoveLeftLink(target);
  EXPECT_TRUE(fs::is_symlink(target));
}

TEST(DirectoryOf, TakesPathsAndFileUris) {
  EXPECT_EQ(DirectoryOf("/mnt//data/").value(), "/mnt/data");
  EXPECT_EQ(DirectoryOf("file:///mnt/a%20b").value(), "/mnt/a b");
  EXPECT_EQ(DirectoryOf("/").value(), "/");
  EXPECT_EQ(DirectoryOf("/a%20b").value(), "/a%20b");
  for (const char* const bad : {"file://host/data", "file://", "file:///a%2", "file:///a%00"}) {
    EXPECT_THAT(DirectoryOf(bad).error().message(), HasSubstr("names no directory")) << bad;
  }
}

TEST_F(DirectoryBindingTest, FindsMistakesBeforeTheCommand) {
  const auto refusal = [&](const ChannelSpec& spec) {
    return PlanDirectory(spec, folder_.Path("tree/train")).error().message();
  };
  EXPECT_THAT(refusal({.name = "train", .s3_uri = folder_.Path("none")}),
              HasSubstr("channel train: " + folder_.Path("none") + " is no directory"));
  fs::create_directories(folder_.path() / "empty");
  EXPECT_THAT(refusal({.name = "train", .s3_uri = folder_.Path("empty")}),
              HasSubstr("is its file system mounted?"));
  EXPECT_THAT(PlanDirectory({.name = "t", .s3_uri = folder_.Path("empty"), .is_writable = true},
                            folder_.Path("tree/train")),
              IsOk());
  folder_.Write("tree/train/old", "x");
  EXPECT_THAT(refusal({.name = "train", .s3_uri = folder_.Path("data")}),
              HasSubstr("is in the way of"));
}

}  // namespace
}  // namespace headrace::job
