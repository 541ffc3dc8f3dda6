// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/checkpoint_sync.h"

#include <sys/stat.h>

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/random.h"
#include "headrace/job/checkpoint_agent.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;
using headrace::testing::BlockingStore;
using headrace::testing::HasCode;
using headrace::testing::HasMessage;
using headrace::testing::IsOk;
using headrace::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CheckpointSyncTest : public ::testing::Test {
 protected:
  CheckpointSyncTest() { EXPECT_THAT(store_.CreateBucket("box"), IsOk()); }

  CheckpointSync& Sync() {
    if (!sync_) {
      sync_ =
          std::make_unique<CheckpointSync>(CheckpointPlace{.prefix = {.bucket = "box", .key = "c/"},
                                                           .folder = folder_.Path("ckpt"),
                                                           .deletes = deletes_},
                                           faulty_, loops_, options_);
    }
    return *sync_;
  }
  void GivenObject(const std::string& name, const std::string& text) {
    ASSERT_THAT(store_.Put("box", "c/" + name, text), IsOk());
  }
  // A file that was written `second` seconds after some start.
  void Write(const std::string& name, const std::string& text, int second) {
    const std::string path = folder_.Write("ckpt/" + name, text);
    const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                               {.tv_sec = 2'000'000'000 + second, .tv_nsec = 0}};
    ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  }
  // Two looks, as many as a file needs that does not change any more.
  Status LookTwice() {
    HR_TRY(Sync().Look(context_));
    return Sync().Look(context_);
  }
  std::vector<std::string> Keys() { return store_.Keys("box", "c/").value(); }
  void FailPut(const std::string& name, ErrorCode code, uint64_t call_count = 1) {
    faulty_.Add({.operation = StoreOperation::kPut,
                 .key = "c/" + name,
                 .call_count = call_count,
                 .error = Error(code, "scripted")});
  }

  TempDir folder_;
  MemoryStore memory_{RealClock()};
  FaultyStore faulty_{memory_};
  EventLoops loops_{2};
  BlockingStore store_{memory_};
  CallContext context_;
  CheckpointOptions options_;
  bool deletes_ = false;
  std::unique_ptr<CheckpointSync> sync_;
};

TEST_F(CheckpointSyncTest, RestoresAFolderAndNothingBesideIt) {
  GivenObject("step-1/model", "weights");
  GivenObject("step-1/", "");
  GivenObject("latest", "step-1");
  ASSERT_THAT(store_.Put("box", "c2/other", "x"), IsOk());
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  EXPECT_EQ(folder_.Read("ckpt/step-1/model"), "weights");
  EXPECT_EQ(folder_.Read("ckpt/latest"), "step-1");
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_.path() / "ckpt"), {}), 2);
  EXPECT_EQ(Sync().report().files_restored, 2U);
  // What came from the store does not go back.
  ASSERT_THAT(LookTwice(), IsOk());
  EXPECT_EQ(Sync().report().files_uploaded, 0U);
}

TEST_F(CheckpointSyncTest, APlanSaysWhatARestoreWouldDoAndDoesNothing) {
  GivenObject("a", "1");
  GivenObject("b/c", "22");
  const auto first = Sync().PlanRestore(context_);
  ASSERT_TRUE(first.has_value());
  EXPECT_EQ(first->missing.size(), 2U);
  EXPECT_EQ(first->missing_bytes, 3U);
  EXPECT_FALSE(folder_.Has("ckpt"));
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("b/c", "newer", 0);
  sync_.reset();
  const auto later = Sync().PlanRestore(context_);
  ASSERT_TRUE(later.has_value());
  EXPECT_EQ(later->missing.size(), 0U);
  EXPECT_EQ(later->files_kept(), 1U);
  EXPECT_EQ(later->files_newer, 1U);
  EXPECT_EQ(later->first_newer, "b/c");
}

TEST_F(CheckpointSyncTest, APlanRefusesClashes) {
  GivenObject("b", "1");
  folder_.Write("ckpt/b/inside", "x");
  EXPECT_THAT(Sync().PlanRestore(context_), HasCode(ErrorCode::kAlreadyExists));
}

TEST_F(CheckpointSyncTest, RestoresFromAnEmptyPrefix) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  EXPECT_TRUE(folder_.Has("ckpt"));
}

TEST_F(CheckpointSyncTest, ASecondRestoreFetchesOnlyWhatDiffers) {
  GivenObject("a", "1");
  GivenObject("b", "22");
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  folder_.Write("ckpt/new", "not stored");
  GivenObject("b", "333");
  sync_.reset();
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  EXPECT_EQ(Sync().report().files_restored, 1U);
  EXPECT_EQ(Sync().report().files_kept, 1U);
  EXPECT_EQ(folder_.Read("ckpt/b"), "333");
  EXPECT_EQ(folder_.Read("ckpt/new"), "not stored");
}

TEST_F(CheckpointSyncTest, AFileNewerThanItsObjectIsKeptButUploadedOnlyOnceWrittenAgain) {
  GivenObject("latest", "step-1");
  Write("latest", "step-22", 0);
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  EXPECT_EQ(folder_.Read("ckpt/latest"), "step-22");
  EXPECT_EQ(Sync().report().files_newer, 1U);
  EXPECT_EQ(Sync().report().first_newer, "latest");
  // It may be what a killed run left torn.
  ASSERT_THAT(LookTwice(), IsOk());
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_EQ(store_.Get("box", "c/latest").value(), "step-1");
  Write("latest", "step-33", 1);
  ASSERT_THAT(LookTwice(), IsOk());
  EXPECT_EQ(store_.Get("box", "c/latest").value(), "step-33");
}

TEST_F(CheckpointSyncTest, ALaterRunFetchesNothingThatTheFirstUploaded) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("a", "1", -1'900'000'000);  // Long before the upload, whose time the object has.
  Write("b", "1", -1'900'000'000);
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  sync_.reset();
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  EXPECT_EQ(Sync().report().files_restored, 0U);
  EXPECT_EQ(Sync().report().files_kept, 2U);
}

TEST_F(CheckpointSyncTest, RemovesTheOldPiecesOfAKilledRestore) {
  const std::string piece = ".model.0123456789ab.headrace-part";
  const std::string foreign = ".other.0123456789ab.headrace-part";
  Write(piece, "half", 0);
  Write(foreign, "half", 3'600);
  const SystemTime now{std::chrono::seconds(2'000'000'000 + 3'650)};
  ASSERT_THAT(Sync().Restore(context_, now), IsOk());
  EXPECT_FALSE(folder_.Has("ckpt/" + piece));
  EXPECT_TRUE(folder_.Has("ckpt/" + foreign));  // Perhaps another host's, right now.
}

TEST_F(CheckpointSyncTest, RefusesClashesBeforeAByteMoves) {
  GivenObject("a", "1");
  GivenObject("b", "1");
  folder_.Write("ckpt/b/inside", "x");
  EXPECT_THAT(Sync().Restore(context_), HasCode(ErrorCode::kAlreadyExists));
  EXPECT_FALSE(folder_.Has("ckpt/a"));
  sync_.reset();
  fs::remove_all(folder_.path() / "ckpt");
  GivenObject("d/e", "1");
  folder_.Write("ckpt/d", "x");
  EXPECT_THAT(Sync().Restore(context_), HasMessage("s3://box/c/d/e"));
}

TEST_F(CheckpointSyncTest, UploadsAFileOnceItStopsChanging) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("model", "wei", 1);
  ASSERT_THAT(Sync().Look(context_), IsOk());
  Write("model", "weights", 2);
  ASSERT_THAT(Sync().Look(context_), IsOk());
  EXPECT_THAT(Keys(), IsEmpty());
  EXPECT_THAT(Sync().report().pending, SizeIs(1));
  ASSERT_THAT(Sync().Look(context_), IsOk());
  EXPECT_EQ(store_.Get("box", "c/model").value(), "weights");
  EXPECT_THAT(Sync().report().pending, IsEmpty());
  ASSERT_THAT(LookTwice(), IsOk());
  EXPECT_EQ(Sync().report().files_uploaded, 1U);
}

TEST_F(CheckpointSyncTest, LooksThatFollowAtOnceShowNoRest) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("model", "weights", 1);
  const auto look_at = [this](int second) {
    return Sync().Look(context_, {.now = SteadyTime(std::chrono::seconds(second)),
                                  .rest = std::chrono::seconds(5)});
  };
  for (const int second : {100, 101, 104}) ASSERT_THAT(look_at(second), IsOk());
  EXPECT_THAT(Keys(), IsEmpty());
  ASSERT_THAT(look_at(105), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/model"));
}

TEST_F(CheckpointSyncTest, NothingAppearsBeforeWhatWasWrittenBefore) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("step-2/a", "1", 1);
  Write("step-2/b", "2", 2);
  Write("latest", "step-2", 3);
  FailPut("step-2/b", ErrorCode::kUnavailable, 2);
  EXPECT_THAT(LookTwice(), HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(Keys(), ElementsAre("c/step-2/a"));
  EXPECT_THAT(Sync().report().pending, SizeIs(2));
  EXPECT_THAT(Sync().Look(context_), HasCode(ErrorCode::kUnavailable));
  ASSERT_THAT(Sync().Look(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/latest", "c/step-2/a", "c/step-2/b"));
}

TEST_F(CheckpointSyncTest, AFileThatTheStoreRefusesHoldsNobodyUp) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("odd", "1", 1);
  Write("latest", "2", 2);
  FailPut("odd", ErrorCode::kInvalidArgument, StoreFault::kEveryCall);
  ASSERT_THAT(LookTwice(), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/latest"));
  EXPECT_THAT(Sync().report().problems, ElementsAre(HasSubstr("odd: ")));
}

TEST_F(CheckpointSyncTest, AFileWrittenToDuringItsUploadIsNeverStoredMixed) {
  options_.transfer.part_size_bytes = 5ULL << 20U;
  options_.transfer.upload_requests_max = 1;
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("model", std::string(12U << 20U, 'a'), 1);
  const auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kUploadPart, .gate = gate});
  ASSERT_THAT(Sync().Look(context_), IsOk());
  std::thread writer([&] {
    faulty_.AwaitGated(1);
    Write("model", std::string(12U << 20U, 'b'), 2);
    gate->Open();
  });
  EXPECT_THAT(Sync().Look(context_), IsOk());
  writer.join();
  EXPECT_THAT(Keys(), IsEmpty());
  ASSERT_THAT(LookTwice(), IsOk());
  EXPECT_EQ(store_.Get("box", "c/model").value(), std::string(12U << 20U, 'b'));
}

TEST_F(CheckpointSyncTest, TheLastLookTakesEverything) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("model", "weights", 1);
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/model"));
}

TEST_F(CheckpointSyncTest, WhatAKilledWriterMayHaveLeftTornStaysPending) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  GivenObject("last", "whole");
  Write("seen", "1", 20);
  ASSERT_THAT(Sync().Look(context_), IsOk());
  Write("quiet", "2", 10);
  Write("last", "ha", 30);
  const SystemTime quiet_since{std::chrono::seconds(2'000'000'000 + 15)};
  ASSERT_THAT(Sync().WriterWasKilled({}, quiet_since), IsOk());
  // However often it is seen now.
  for (int look = 0; look < 2; ++look) ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/last", "c/quiet", "c/seen"));
  EXPECT_EQ(store_.Get("box", "c/last").value(), "whole");
  ASSERT_THAT(Sync().report().pending, SizeIs(1));
  EXPECT_EQ(Sync().report().pending.front().path, "last");
}

TEST_F(CheckpointSyncTest, WhatIsNoFileIsToldAndNoProblem) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  Write("model", "weights", 1);
  ASSERT_EQ(mkfifo(folder_.Path("ckpt/fifo").c_str(), 0600), 0);
  fs::create_symlink("nowhere", folder_.path() / "ckpt/link");
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/model"));
  EXPECT_THAT(Sync().report().problems, IsEmpty());
  EXPECT_THAT(Sync().report().skipped, ::testing::UnorderedElementsAre("fifo", "link"));
}

TEST_F(CheckpointSyncTest, LeavesObjectsOfRemovedFilesAlone) {
  GivenObject("old", "1");
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  fs::remove(folder_.path() / "ckpt/old");
  ASSERT_THAT(LookTwice(), IsOk());
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/old"));
}

TEST_F(CheckpointSyncTest, DeletesWhereAskedButOnlyOnceTheNewIsSafe) {
  deletes_ = true;
  GivenObject("step-1", "1");
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  fs::remove(folder_.path() / "ckpt/step-1");
  Write("step-2", "2", 1);
  FailPut("step-2", ErrorCode::kUnavailable);
  EXPECT_THAT(LookTwice(), HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(Keys(), ElementsAre("c/step-1"));
  ASSERT_THAT(Sync().Look(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/step-2"));
  EXPECT_EQ(Sync().report().objects_deleted, 1U);
}

TEST_F(CheckpointSyncTest, DeletesWhatTheCommandRemovedLast) {
  deletes_ = true;
  GivenObject("step-1", "1");
  GivenObject("step-2", "2");
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  fs::remove(folder_.path() / "ckpt/step-1");
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/step-2"));
}

TEST_F(CheckpointSyncTest, DeletesNothingOnALookThatDidNotSeeEverything) {
  deletes_ = true;
  GivenObject("old", "1");
  GivenObject("step-1/model", "1");
  GivenObject("step-2", "2");
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  // A file system that is away: its folder's link leads nowhere for now.
  fs::rename(folder_.path() / "ckpt/step-1", folder_.path() / "away");
  fs::create_symlink("nowhere", folder_.path() / "ckpt/step-1");
  fs::remove(folder_.path() / "ckpt/old");
  ASSERT_THAT(LookTwice(), IsOk());
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/old", "c/step-1/model", "c/step-2"));
  // One whole look is not enough, two are.
  fs::remove(folder_.path() / "ckpt/step-1");
  fs::rename(folder_.path() / "away", folder_.path() / "ckpt/step-1");
  ASSERT_THAT(Sync().Look(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/old", "c/step-1/model", "c/step-2"));
  ASSERT_THAT(Sync().Look(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/step-1/model", "c/step-2"));
}

TEST_F(CheckpointSyncTest, AnEmptyFolderDeletesNothing) {
  deletes_ = true;
  GivenObject("step-1", "1");
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  fs::remove(folder_.path() / "ckpt/step-1");
  ASSERT_THAT(LookTwice(), IsOk());
  ASSERT_THAT(Sync().LookAtEnd(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/step-1"));
}

TEST_F(CheckpointSyncTest, AFolderThatIsGoneIsAnErrorAndDeletesNothing) {
  deletes_ = true;
  GivenObject("step-1", "1");
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  fs::remove_all(folder_.path() / "ckpt");
  EXPECT_THAT(Sync().Look(context_), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(Keys(), ElementsAre("c/step-1"));
}

TEST_F(CheckpointSyncTest, TooManyFilesAreAnErrorThatNamesTheFolder) {
  options_.file_count_max = 2;
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  for (const char* name : {"1", "2", "3"}) Write(name, "x", 1);
  EXPECT_THAT(Sync().Look(context_), HasMessage(folder_.Path("ckpt")));
}

// --- looking again and again ------------------------------------------------------------------

constexpr CheckpointTiming kQuick{.interval = std::chrono::milliseconds(1),
                                  .hurried_interval = std::chrono::milliseconds(1)};
constexpr CheckpointTiming kNever{.interval = std::chrono::hours(1),
                                  .hurried_interval = std::chrono::milliseconds(1),
                                  .rest = std::chrono::milliseconds(1)};
// In the past: nothing is tried any more.
CallContext Late() { return {.deadline = Deadline(SteadyTime{}), .stop = {}}; }

TEST_F(CheckpointSyncTest, TheAgentUploadsWhileOthersWork) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  const auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kPut, .gate = gate});
  CheckpointAgent agent(Sync(), kQuick);
  Write("model", "weights", 1);
  faulty_.AwaitGated(1);
  gate->Open();
  EXPECT_THAT(agent.Finish(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/model"));
}

TEST_F(CheckpointSyncTest, AHurriedAgentDoesNotWaitForItsInterval) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  const auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kPut, .gate = gate});
  CheckpointAgent agent(Sync(), kNever);
  Write("model", "weights", 1);
  agent.Hurry();
  faulty_.AwaitGated(1);
  gate->Open();
  EXPECT_THAT(agent.Finish(context_), IsOk());
}

TEST_F(CheckpointSyncTest, FinishGoesOnUntilTheStoreTakesEverything) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  FailPut("model", ErrorCode::kUnavailable, 3);
  CheckpointAgent agent(Sync(), kNever);
  Write("model", "weights", 1);
  EXPECT_THAT(agent.Finish(context_), IsOk());
  EXPECT_THAT(Keys(), ElementsAre("c/model"));
}

TEST_F(CheckpointSyncTest, FinishEndsAtItsDeadlineWithTheReason) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  FailPut("model", ErrorCode::kUnavailable);
  faulty_.Add(
      {.operation = StoreOperation::kPut, .first_call = 2, .gate = std::make_shared<Gate>()});
  CheckpointAgent agent(Sync(), kQuick);
  Write("model", "weights", 1);
  faulty_.AwaitGated(1);  // The look that failed is over, and the next one hangs.
  const Status finished = agent.Finish(Late());
  EXPECT_THAT(finished, HasCode(ErrorCode::kTimedOut));
  EXPECT_THAT(finished, HasMessage("scripted"));
  EXPECT_THAT(Sync().report().pending, SizeIs(1));
}

TEST_F(CheckpointSyncTest, AFinishThatComesTooLateStillKnowsWhatIsLeft) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  CheckpointAgent agent(
      Sync(), {.interval = std::chrono::hours(1), .hurried_interval = std::chrono::hours(1)});
  Write("model", "weights", 1);
  const auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kPut, .gate = gate});
  EXPECT_THAT(agent.Finish(Late()), HasCode(ErrorCode::kTimedOut));
  EXPECT_THAT(Sync().report().pending, SizeIs(1));
}

TEST_F(CheckpointSyncTest, FinishKeepsBackWhatAKilledCommandWroteLast) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  CheckpointAgent agent(Sync(), kNever);
  Write("model", "half", 1);  // In the future: not at rest when the command ended.
  EXPECT_THAT(agent.Finish(context_, /*was_killed=*/true), IsOk());
  EXPECT_THAT(Keys(), IsEmpty());
  EXPECT_THAT(Sync().report().pending, SizeIs(1));
}

TEST_F(CheckpointSyncTest, FinishEndsWhenItIsStopped) {
  ASSERT_THAT(Sync().Restore(context_), IsOk());
  const auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kPut, .gate = gate});
  CheckpointAgent agent(Sync(), kNever);
  Write("model", "weights", 1);
  std::stop_source stop;
  std::thread stopper([&] {
    faulty_.AwaitGated(1);
    stop.request_stop();
  });
  EXPECT_THAT(agent.Finish({.deadline = {}, .stop = stop.get_token()}),
              HasCode(ErrorCode::kCancelled));
  stopper.join();
  EXPECT_THAT(Sync().report().pending, SizeIs(1));
}

}  // namespace
}  // namespace headrace::job
