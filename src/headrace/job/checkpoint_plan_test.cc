// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/checkpoint_plan.h"

#include <chrono>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headrace::job {
namespace {

using file::Entry;
using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

Entry FileAt(const std::string& path, uint64_t size_bytes, SystemTime::duration written) {
  return {.path = path, .size_bytes = size_bytes, .modified = SystemTime(written), .etag = {}};
}

std::vector<std::string> Paths(const std::vector<Entry>& entries) {
  std::vector<std::string> paths;
  for (const Entry& entry : entries) paths.push_back(entry.path);
  return paths;
}

TEST(PlanCheckpoint, TakesWhatTwoLooksShowUnchanged) {
  const std::vector<Entry> before{FileAt("a", 5, seconds(1)), FileAt("b", 5, seconds(2))};
  const std::vector<Entry> now{FileAt("a", 5, seconds(1)), FileAt("b", 9, seconds(3)),
                               FileAt("c", 1, seconds(4))};
  const CheckpointPlan plan = PlanCheckpoint(before, now, {});
  EXPECT_THAT(Paths(plan.uploads), ElementsAre("a"));
  EXPECT_THAT(Paths(plan.waiting), ElementsAre("b", "c"));
}

TEST(PlanCheckpoint, LeavesWhatIsStored) {
  const std::vector<Entry> now{FileAt("a", 5, seconds(1)), FileAt("b", 5, seconds(1))};
  const StoredFiles stored{{"a", {5, SystemTime(seconds(1))}}, {"b", {5, SystemTime(seconds(0))}}};
  EXPECT_THAT(Paths(PlanCheckpoint(now, now, stored).uploads), ElementsAre("b"));
}

TEST(PlanCheckpoint, KeepsTheOrderOfWriting) {
  const std::vector<Entry> now{
      FileAt("latest", 6, seconds(30)), FileAt("step-1/index", 9, seconds(20)),
      FileAt("step-1/z-shard", 900, seconds(10)), FileAt("step-2/a-shard", 900, seconds(25))};
  EXPECT_THAT(Paths(PlanCheckpoint(now, now, {}).uploads),
              ElementsAre("step-1/z-shard", "step-1/index", "step-2/a-shard", "latest"));
}

TEST(PlanCheckpoint, PutsTheSmallerLastOfFilesWrittenAtOneMoment) {
  const std::vector<Entry> now{FileAt("a-index", 6, seconds(1)), FileAt("b-shard", 900, seconds(1)),
                               FileAt("c-shard", 900, seconds(1))};
  EXPECT_THAT(Paths(PlanCheckpoint(now, now, {}).uploads),
              ElementsAre("b-shard", "c-shard", "a-index"));
}

TEST(PlanCheckpoint, HoldsWhatIsNewerThanAFileStillBeingWritten) {
  const std::vector<Entry> before{FileAt("latest", 6, seconds(9)), FileAt("old", 5, seconds(1)),
                                  FileAt("shard", 5, seconds(5))};
  const std::vector<Entry> now{FileAt("latest", 6, seconds(9)), FileAt("old", 5, seconds(1)),
                               FileAt("shard", 50, seconds(8))};
  const CheckpointPlan plan = PlanCheckpoint(before, now, {});
  EXPECT_THAT(Paths(plan.uploads), ElementsAre("old"));
  EXPECT_THAT(Paths(plan.waiting), ElementsAre("shard", "latest"));
}

TEST(PlanCheckpoint, CallsGoneOnlyWhatBothLooksMiss) {
  const std::vector<Entry> before{FileAt("b", 5, seconds(1))};
  const StoredFiles stored{{"a", {}}, {"b", {}}, {"c", {}}};
  EXPECT_THAT(PlanCheckpoint(before, {}, stored).gone, ElementsAre("a", "c"));
  EXPECT_THAT(PlanCheckpoint({}, before, stored).gone, ElementsAre("a", "c"));
  EXPECT_THAT(PlanCheckpoint(before, before, {{"b", {}}}).gone, IsEmpty());
}

TEST(PlanRestore, BringsInWhatIsMissingOrOlder) {
  const Entry object = FileAt("a", 5, seconds(10));
  EXPECT_EQ(PlanRestore(object, nullptr), RestoreStep::kDownload);
  const Entry older = FileAt("a", 5, seconds(9));
  EXPECT_EQ(PlanRestore(object, &older), RestoreStep::kDownload);
  const Entry other_size = FileAt("a", 4, seconds(10));
  EXPECT_EQ(PlanRestore(object, &other_size), RestoreStep::kDownload);
}

TEST(PlanRestore, KeepsWhatIsTheSameToTheSecondThatStoresTell) {
  const Entry object = FileAt("a", 5, seconds(10));
  const Entry same = FileAt("a", 5, seconds(10) + milliseconds(300));
  EXPECT_EQ(PlanRestore(object, &same), RestoreStep::kSame);
}

TEST(PlanRestore, KeepsANewerFileThatWasNeverUploaded) {
  const Entry object = FileAt("a", 5, seconds(10));
  const Entry newer = FileAt("a", 3, seconds(12));
  EXPECT_EQ(PlanRestore(object, &newer), RestoreStep::kKeepNewer);
}

}  // namespace
}  // namespace headrace::job
