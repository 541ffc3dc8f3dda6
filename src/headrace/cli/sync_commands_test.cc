// SPDX-License-Identifier: Apache-2.0
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/cli/commands_fixture.h"

namespace headrace::cli {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST_F(CommandsTest, DryRunsChangeNothing) {
  GivenFile("in/a", "1");
  GivenObject("p/old", "x");
  EXPECT_EQ(Run({"sync", "--delete", "--dryrun", Path("in"), "s3://bkt/p"}), 0);
  EXPECT_EQ(out_, "(dryrun) upload: " + Path("in/a") +
                      " to s3://bkt/p/a\n(dryrun) delete: s3://bkt/p/old\n");
  EXPECT_EQ(Run({"mv", "--dry-run", "s3://bkt/p/old", Path("x")}), 0);
  EXPECT_EQ(Run({"cp", "--dry-run", "s3://bkt/p/old", "-"}), 0);
  EXPECT_EQ(out_, "(dryrun) download: s3://bkt/p/old to -\n");
  EXPECT_EQ(Run({"rm", "-r", "--dry-run", "s3://bkt"}), 0);
  EXPECT_EQ(out_, "(dryrun) delete: s3://bkt/p/old\n");
  EXPECT_THAT(Keys(), ElementsAre("p/old"));
  EXPECT_THAT(Files(), ElementsAre("in/a"));
}

TEST_F(CommandsTest, SyncCopiesOnlyWhatDiffers) {
  GivenObject("p/a", "1");
  GivenObject("p/sub/b", "22");
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out")}), 0);
  EXPECT_EQ(Lines().size(), 2U);
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out")}), 0);
  EXPECT_THAT(out_, IsEmpty());
  clock_.Advance(std::chrono::seconds(5));
  GivenObject("p/a", "3");
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out"), "--size-only"}), 0);
  EXPECT_THAT(out_, IsEmpty());
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out")}), 0);
  EXPECT_EQ(out_, "download: s3://bkt/p/a to " + Path("out/a") + "\n");
  EXPECT_EQ(FileText("out/a"), "3");
}

TEST_F(CommandsTest, SyncTellsThatItsSourceHasNoObject) {
  GivenObject("p/a", "1");
  EXPECT_EQ(Run({"sync", "s3://bkt/q", Path("out")}), 0);
  EXPECT_THAT(err_, HasSubstr("no object under s3://bkt/q/"));
  EXPECT_EQ(Run({"sync", "--quiet", "s3://bkt/q", Path("out")}), 0);
  EXPECT_THAT(err_, IsEmpty());
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out"), "--exclude", "*"}), 0);
  EXPECT_THAT(err_, IsEmpty());
}

TEST_F(CommandsTest, SyncContinuesWhereAnInterruptedRunStopped) {
  GivenObject("p/a", "1");
  GivenObject("p/b", "2");
  stop_.request_stop();
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out")}), 130);
  EXPECT_THAT(err_, HasSubstr("headrace sync: interrupted; run it again to continue\n"));
  EXPECT_EQ(Run({"cp", "-r", "s3://bkt/p", Path("other")}), 130);
  EXPECT_THAT(err_,
              HasSubstr("headrace cp: interrupted; sync brings what a recursive one has left\n"));
  stop_ = std::stop_source();
  EXPECT_EQ(Run({"cp", "s3://bkt/p/a", Path("out/")}), 0);
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out")}), 0);
  EXPECT_EQ(out_, "download: s3://bkt/p/b to " + Path("out/b") + "\n");
}

TEST_F(CommandsTest, SyncDeletesWhatTheSourceDoesNotHave) {
  GivenObject("p/keep", "1");
  GivenFile("out/gone/deep/x", "2");
  // Older than its copy, whatever the day this runs on.
  GivenFile("out/spared.txt", "3", 1'700'000'000);
  EXPECT_EQ(Run({"sync", "--delete", "s3://bkt/p", Path("out"), "--exclude", "*.txt"}), 0);
  EXPECT_THAT(Files(), ElementsAre("out/keep", "out/spared.txt"));
  EXPECT_FALSE(fs::exists(folder_.path() / "out/gone"));
  EXPECT_EQ(Run({"sync", "--delete", Path("out"), "s3://bkt/q"}), 0);
  GivenObject("q/extra", "x");
  EXPECT_EQ(Run({"sync", "--delete", Path("out"), "s3://bkt/q"}), 0);
  EXPECT_EQ(out_, "delete: s3://bkt/q/extra\n");
  EXPECT_THAT(Keys(), ElementsAre("p/keep", "q/keep", "q/spared.txt"));
}

TEST_F(CommandsTest, AnInterruptedSyncDeletesNothingAheadOfWhatItCopies) {
  // More than are ever on their way at once, so that the file behind them waits its turn.
  for (int i = 0; i < 5000; ++i) GivenObject("p/a" + std::to_string(i), "1");
  GivenFile("out/z", "not in the source");
  std::thread interrupter;
  on_open_ = [this, &interrupter](FaultyStore& store) {
    store.Add({.operation = StoreOperation::kGet,
               .call_count = StoreFault::kEveryCall,
               .gate = std::make_shared<Gate>()});
    interrupter = std::thread([this, &store] {
      store.AwaitGated(1);
      stop_.request_stop();
    });
  };
  EXPECT_EQ(Run({"sync", "--delete", "s3://bkt/p", Path("out")}), 130);
  interrupter.join();
  EXPECT_THAT(Files(), ElementsAre("out/z"));
}

TEST_F(CommandsTest, SyncDeletesNothingForASourceThatHoldsNothing) {
  GivenFile("out/a", "1");
  GivenObject("p/one", "1");
  GivenObject("q/b", "1");
  for (const char* source : {"s3://bkt/typo/", "s3://bkt/p/one"}) {
    EXPECT_EQ(Run({"sync", "--delete", source, Path("out")}), 3);
    EXPECT_THAT(err_, HasSubstr("--allow-empty-source"));
    EXPECT_EQ(Run({"sync", "--delete", source, "s3://bkt/q"}), 3);
  }
  EXPECT_THAT(Files(), ElementsAre("out/a"));
  EXPECT_THAT(Keys(), ElementsAre("p/one", "q/b"));
  EXPECT_EQ(Run({"sync", "s3://bkt/typo/", Path("out")}), 0);
  EXPECT_EQ(Run({"sync", "--delete", "--allow-empty-source", "s3://bkt/typo/", Path("out")}), 0);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(CommandsTest, SyncDeletesNothingBehindASymbolicLink) {
  GivenFile("elsewhere/keep", "1");
  GivenFile("out/gone", "2");
  fs::create_directory_symlink(folder_.path() / "elsewhere", folder_.path() / "out/link");
  GivenObject("p/new", "3");
  EXPECT_EQ(Run({"sync", "--delete", "s3://bkt/p", Path("out")}), 0);
  EXPECT_THAT(Files(), ElementsAre("elsewhere/keep", "out/new"));
  EXPECT_TRUE(fs::is_symlink(folder_.path() / "out/link"));
}

TEST_F(CommandsTest, PlacesInsideOneAnotherAreRefusedAndNothingIsLost) {
  GivenObject("x/a", "1");
  GivenObject("x/y/a", "2");
  GivenObject("x/y/y/a", "3");
  for (const std::vector<std::string>& command : std::vector<std::vector<std::string>>{
           {"mv", "-r"}, {"cp", "-r"}, {"sync", "--delete"}, {"sync"}}) {
    for (const auto& [source, target] :
         {std::pair("s3://bkt/x/", "s3://bkt/x/y/"), std::pair("s3://bkt/x/y/", "s3://bkt/x"),
          std::pair("s3://bkt/x/y", "s3://bkt")}) {
      std::vector<std::string> line = command;
      line.insert(line.end(), {source, target});
      EXPECT_EQ(Run(line), 2) << command.front() << " " << source << " " << target;
      EXPECT_THAT(err_, HasSubstr("one inside the other"));
    }
  }
  EXPECT_THAT(Keys(), ElementsAre("x/a", "x/y/a", "x/y/y/a"));
  EXPECT_EQ(*blocking_.Get("bkt", "x/a"), "1");
  // One object may move deeper or up.
  EXPECT_EQ(Run({"mv", "s3://bkt/x/y/y/a", "s3://bkt/x/b"}), 0);
}

TEST_F(CommandsTest, SyncOfASourceThatCannotBeWalkedDeletesNothing) {
  GivenFile("in/a", "1");
  fs::create_symlink("nowhere", folder_.path() / "in/b");
  GivenObject("p/b", "the only copy");
  EXPECT_EQ(Run({"sync", "--delete", Path("in"), "s3://bkt/p"}), 5);
  EXPECT_THAT(Keys(), ElementsAre("p/a", "p/b"));
}

TEST_F(CommandsTest, SyncOfAMissingFolderIsNotFoundAndDeletesNothing) {
  GivenObject("p/b", "x");
  EXPECT_EQ(Run({"sync", "--delete", Path("none"), "s3://bkt/p"}), 3);
  EXPECT_THAT(Keys(), ElementsAre("p/b"));
}

TEST_F(CommandsTest, MvRemovesTheSource) {
  GivenFile("in/a", "1");
  EXPECT_EQ(Run({"mv", Path("in/a"), "s3://bkt/up/"}), 0);
  EXPECT_THAT(Files(), IsEmpty());
  EXPECT_EQ(Run({"mv", "-r", "s3://bkt/up", "s3://bkt/over"}), 0);
  EXPECT_THAT(Keys(), ElementsAre("over/a"));
  EXPECT_EQ(Run({"mv", "s3://bkt/over/a", Path("back")}), 0);
  EXPECT_THAT(Keys(), IsEmpty());
  EXPECT_EQ(FileText("back"), "1");
}

TEST_F(CommandsTest, MvOntoItselfIsRefused) {
  GivenObject("d/k", "x");
  EXPECT_EQ(Run({"mv", "s3://bkt/d/k", "s3://bkt/d/k"}), 2);
  EXPECT_EQ(Run({"mv", "s3://bkt/d/k", "s3://bkt/d/"}), 2);
  EXPECT_EQ(Run({"mv", "-r", "s3://bkt/d", "s3://bkt/d/"}), 2);
  EXPECT_EQ(Run({"mv", "-r", "s3://bkt/d", "s3://bkt/d/", "--storage-class", "GLACIER"}), 2);
  EXPECT_THAT(Keys(), ElementsAre("d/k"));
}

TEST_F(CommandsTest, MvKeepsASourceThatCouldNotArrive) {
  GivenObject("k", "x");
  GivenFile("file", "in the way");
  EXPECT_NE(Run({"mv", "s3://bkt/k", Path("file/k")}), 0);
  EXPECT_THAT(Keys(), ElementsAre("k"));
}

TEST_F(CommandsTest, SyncRemovesTheOldPiecesOfAKilledOne) {
  GivenObject("p/a", "1");
  GivenFile("out/.a.0123456789ab.headrace-part", "half", 1'767'225'600 - 61);
  GivenFile("out/.b.0123456789ab.headrace-part", "half", 1'767'225'600 - 59);
  EXPECT_EQ(Run({"sync", "--dryrun", "s3://bkt/p", Path("out")}), 0) << err_;
  EXPECT_TRUE(Files().contains("out/.a.0123456789ab.headrace-part"));
  EXPECT_EQ(Run({"sync", "s3://bkt/p", Path("out")}), 0) << err_;
  EXPECT_FALSE(Files().contains("out/.a.0123456789ab.headrace-part"));
  EXPECT_TRUE(Files().contains("out/.b.0123456789ab.headrace-part"));
}

TEST_F(CommandsTest, RecursiveCpAndMvRemoveOldPiecesOfAKilledOneFromTheFoldersTheyWriteTo) {
  const int64_t long_ago = 1'767'225'600 - 61;
  const std::string name = ".b.0123456789ab.headrace-part";
  for (const std::string command : {"cp", "mv"}) {
    GivenObject("p/a/b", "1");
    GivenObject("p/a/c", "1");
    for (const char* folder : {"out/", "out/a/", "out/other/"}) {
      GivenFile(folder + name, "half", long_ago);
    }
    GivenFile("out/a/.c.0123456789ab.headrace-part", "half", long_ago + 2);
    EXPECT_EQ(Run({command, "-r", "--dryrun", "s3://bkt/p", Path("out")}), 0) << err_;
    EXPECT_TRUE(Files().contains("out/a/" + name));
    EXPECT_EQ(Run({command, "-r", "s3://bkt/p", Path("out")}), 0) << err_;
    EXPECT_THAT(Files(), ElementsAre("out/" + name, "out/a/.c.0123456789ab.headrace-part",
                                     "out/a/b", "out/a/c", "out/other/" + name));
    GivenObject("p/a/b", "1");
    EXPECT_EQ(Run({command, "s3://bkt/p/a/b", Path("out/")}), 0) << err_;
    // For one file no folder is read.
    EXPECT_TRUE(Files().contains("out/" + name));
    fs::remove(Path("out/b"));
  }
}

}  // namespace
}  // namespace headrace::cli
