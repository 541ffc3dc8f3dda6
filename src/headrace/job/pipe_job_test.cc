// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/format/record_io.h"
#include "headrace/job/channel_options.h"
#include "headrace/job/run_job.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/read_records.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;
using headrace::testing::BlockingStore;
using headrace::testing::IsOk;
using headrace::testing::ReadRecords;
using headrace::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Jobs with Pipe channels; the command is a shell script in the folder of the FIFOs.
class PipeJobTest : public ::testing::Test {
 protected:
  PipeJobTest() {
    EXPECT_THAT(store_.CreateBucket("data"), IsOk());
    spec_.name = "j1";
    spec_.base_directory = folder_.string();
    world_.store = &faulty_;
    world_.loops = &loops_;
    world_.signals = &signals_;
    world_.inherited.Set("PATH", "/usr/bin:/bin");
    options_.is_fresh = true;
  }

  void GivenObject(const std::string& key, const std::string& text) {
    ASSERT_THAT(store_.Put("data", key, text), IsOk());
  }
  void GivenChannel(const std::string& text) {
    spec_.channels.push_back(ParseChannel(text).value());
  }
  JobResult RunShell(const std::string& script) {
    spec_.command = {"sh", "-c", "cd $SM_INPUT_DATA_DIR;" + script};
    return RunJob(spec_, options_, world_);
  }
  static std::string ErrorOf(const JobResult& result) {
    return result.error ? result.error->message() : "";
  }
  // The payloads of the records that the command left in its output.
  std::vector<std::string> Records(const std::string& name) const {
    format::RecordIoReader reader({}, format::RecordIoJoin::kConcatenate);
    std::vector<std::string> payloads;
    const auto records = ReadRecords(reader, folder_.Read("output/data/" + name));
    EXPECT_THAT(records, IsOk());
    for (const auto& record : records.value()) payloads.push_back(record.payload);
    return payloads;
  }

  TempDir folder_;
  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  FaultyStore faulty_{memory_};
  EventLoops loops_{2};
  SignalInbox signals_ = SignalInbox::Make().value();
  JobSpec spec_;
  JobOptions options_;
  JobWorld world_;
};

TEST_F(PipeJobTest, ServesEpochsWhileTheCommandRunsAndLeavesNothing) {
  GivenObject("set/a", "one ");
  GivenObject("set/b", "two ");
  GivenObject("set/", "a folder marker");
  GivenChannel("train=s3://data/set/,mode=Pipe");
  const JobResult result = RunShell(
      "ls > ../../output/data/names; cat train_0 train_1 > ../../output/data/seen;"
      "grep -q '\"TrainingInputMode\": *\"Pipe\"' ../config/inputdataconfig.json || exit 3;"
      "test ! -e $SM_CHANNEL_TRAIN");
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(folder_.Read("output/data/names"), "train_0\ntrain_1\n");
  EXPECT_EQ(folder_.Read("output/data/seen"), "one two one two ");
  EXPECT_TRUE(fs::is_empty(folder_.Path("input/data")));
  ASSERT_EQ(result.report.pipes.size(), 1U);
  const PipeChannelReport& report = result.report.pipes[0];
  EXPECT_EQ(report.name, "train");
  EXPECT_EQ(report.counts.epochs_complete, 2U);
  EXPECT_EQ(report.counts.items, 4U);
  EXPECT_EQ(report.counts.bytes, 16U);
}

TEST_F(PipeJobTest, FollowsAManifestWithItsRepeats) {
  for (const char* key : {"set/a", "set/b", "set/c"}) GivenObject(key, key);
  GivenObject("m.json", R"([{"prefix": "s3://data/set/"}, "c", "a", "c"])");
  GivenChannel("train=s3://data/m.json,mode=Pipe,data-type=ManifestFile,record-wrapper=RecordIO");
  ASSERT_EQ(ErrorOf(RunShell("cat train_0 > ../../output/data/seen")), "");
  EXPECT_THAT(Records("seen"), ElementsAre("set/c", "set/a", "set/c"));
}

TEST_F(PipeJobTest, GivesEachAttributeOfAnAugmentedManifestAsARecord) {
  GivenObject("img/1", "first");
  GivenObject("img/2", "second");
  GivenObject("m.jsonl", R"({"source-ref": "s3://data/img/1", "class": 0, "other": 5})"
                         "\n"
                         R"({"class": "[1, 2]", "source-ref": "s3://data/img/2"})"
                         "\n");
  GivenChannel(
      "train=s3://data/m.jsonl,mode=Pipe,data-type=AugmentedManifestFile,record-wrapper=RecordIO,"
      "attributes=source-ref,class");
  const JobResult result = RunShell("cat train_0 > ../../output/data/seen");
  ASSERT_EQ(ErrorOf(result), "");
  EXPECT_THAT(Records("seen"), ElementsAre("first", "0", "second", "[1, 2]"));
  EXPECT_EQ(result.report.pipes.at(0).next, (plan::ResumePoint{.epoch = 1, .position = 0}));
  spec_.channels[0].resume = {.epoch = 0, .position = 1};
  ASSERT_EQ(ErrorOf(RunShell("cat train_0 > ../../output/data/seen")), "");
  EXPECT_THAT(Records("seen"), ElementsAre("second", "[1, 2]"));
}

TEST_F(PipeJobTest, AllHostsTogetherReadAShuffledEpochOnce) {
  for (int i = 0; i < 20; ++i) GivenObject(fmt::format("set/{:02}", i), fmt::format("{:02}", i));
  GivenChannel(
      "train=s3://data/set/,mode=Pipe,record-wrapper=RecordIO,shuffle-seed=7,"
      "distribution=ShardedByS3Key");
  spec_.hosts = {"h-1", "h-2", "h-3"};
  std::vector<std::vector<std::string>> epochs(2);
  for (const std::string& host : spec_.hosts) {
    spec_.current_host = host;
    ASSERT_EQ(ErrorOf(RunShell("for e in 0 1; do cat train_$e > ../../output/data/$e; done")), "");
    for (size_t epoch = 0; epoch < 2; ++epoch) {
      std::ranges::copy(Records(fmt::format("{}", epoch)), std::back_inserter(epochs[epoch]));
    }
  }
  EXPECT_NE(epochs[0], epochs[1]);
  std::ranges::sort(epochs[0]);
  EXPECT_EQ(epochs[0].size(), 20U);
  EXPECT_EQ(std::ranges::unique(epochs[0]).size(), 0U);
  std::ranges::sort(epochs[1]);
  EXPECT_EQ(epochs[0], epochs[1]);
}

TEST_F(PipeJobTest, ResumesExactlyWhereItWasAlsoWithAnotherNumberOfHosts) {
  for (int i = 0; i < 20; ++i) GivenObject(fmt::format("set/{:02}", i), fmt::format("{:02}", i));
  GivenChannel(
      "train=s3://data/set/,mode=Pipe,record-wrapper=RecordIO,shuffle-seed=7,"
      "distribution=ShardedByS3Key,resume=5:0");
  ASSERT_EQ(ErrorOf(RunShell("for e in 0 1; do cat train_$e > ../../output/data/$e; done")), "");
  const std::vector<std::string> fifth = Records("0");
  const std::vector<std::string> sixth = Records("1");
  ASSERT_EQ(fifth.size(), 20U);
  spec_.hosts = {"h-1", "h-2"};
  spec_.channels[0].resume = {.epoch = 5, .position = 9};
  std::vector<std::string> rest(11);
  for (size_t host = 0; host < 2; ++host) {
    spec_.current_host = spec_.hosts[host];
    const JobResult result = RunShell("for e in 0 1; do cat train_$e > ../../output/data/$e; done");
    ASSERT_EQ(ErrorOf(result), "");
    // Position 9 is the second host's: 9 mod 2 is 1.
    const std::vector<std::string> records = Records("0");
    for (size_t i = 0; i < records.size(); ++i) rest.at(2 * i + (1 - host)) = records[i];
    // The epoch after is whole again.
    EXPECT_EQ(Records("1").front(), sixth[host]);
    EXPECT_EQ(result.report.pipes[0].next, (plan::ResumePoint{.epoch = 7, .position = 0}));
  }
  EXPECT_THAT(rest, ElementsAreArray(fifth.begin() + 9, fifth.end()));
}

TEST_F(PipeJobTest, SaysWhereItStoodWhenTheCommandLeft) {
  for (int i = 0; i < 5; ++i) GivenObject(fmt::format("set/{}", i), std::string(2'000'000, 'x'));
  GivenChannel("train=s3://data/set/,mode=Pipe,resume=2:1");
  const JobResult result = RunShell("head -c 1 train_0");
  EXPECT_EQ(result.exit_code, 0);
  const PipeChannelReport& report = result.report.pipes.at(0);
  EXPECT_EQ(report.counts.epochs_opened, 1U);
  EXPECT_EQ(report.counts.epochs_complete, 0U);
  EXPECT_EQ(report.next, (plan::ResumePoint{.epoch = 2, .position = 1}));
}

TEST_F(PipeJobTest, EndsWithACommandThatReadsNothing) {
  GivenObject("set/a", "x");
  GivenChannel("train=s3://data/set/,mode=Pipe");
  std::vector<std::string> said;
  world_.say = [&](std::string_view line) { said.emplace_back(line); };
  EXPECT_EQ(ErrorOf(RunShell("true")), "");
  EXPECT_THAT(said, ElementsAre("channel train: the command opened no epoch",
                                StartsWith("command completed"), StartsWith("report: ")));
  EXPECT_EQ(faulty_.call_count(StoreOperation::kGet), 0U);
}

TEST_F(PipeJobTest, AnObjectDeletedMeanwhileStopsTheCommandAndFailsTheJob) {
  GivenObject("set/a", "there");
  GivenObject("set/b", "deleted");
  GivenChannel("train=s3://data/set/,mode=Pipe");
  faulty_.Add({.operation = StoreOperation::kGet,
               .key = "set/b",
               .call_count = StoreFault::kEveryCall,
               .error = Error(ErrorCode::kNotFound, "get s3://data/set/b: no such object")});
  const JobResult result = RunShell("cat train_0 > /dev/null; sleep 600");
  EXPECT_EQ(result.exit_code, 0);
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ErrorCode::kNotFound);
  EXPECT_EQ(ErrorOf(result), "channel train: get s3://data/set/b: no such object");
  EXPECT_EQ(folder_.Read("output/failure"), ErrorOf(result));
}

TEST_F(PipeJobTest, ACheckSaysWhatAnEpochHoldsAndMakesNoPipe) {
  GivenObject("set/a", "x");
  GivenObject("set/b", "x");
  GivenChannel("train=s3://data/set/,mode=Pipe");
  options_.checks_only = true;
  std::vector<std::string> said;
  world_.say = [&](std::string_view line) { said.emplace_back(line); };
  EXPECT_EQ(ErrorOf(RunShell("touch ../../model/started")), "");
  EXPECT_THAT(said, ElementsAre(HasSubstr("channel train: 2 objects")));
  EXPECT_FALSE(folder_.Has("model/started"));
  EXPECT_TRUE(fs::is_empty(folder_.Path("input/data")));
}

TEST_F(PipeJobTest, AResumePointBeyondTheEpochIsRefused) {
  GivenObject("set/a", "x");
  GivenObject("set/b", "x");
  GivenChannel("train=s3://data/set/,mode=Pipe,resume=3:3");
  options_.checks_only = true;
  EXPECT_THAT(ErrorOf(RunShell("true")), HasSubstr("channel train: resume 3:3 lies beyond"));
}

TEST_F(PipeJobTest, MistakesAreFoundBeforeTheCommand) {
  GivenObject("set/", "");
  GivenChannel("train=s3://data/set/,mode=Pipe");
  EXPECT_THAT(ErrorOf(RunShell("touch ../../model/started")),
              HasSubstr("channel train: no object under s3://data/set/"));
  GivenObject("set/a", "x");
  folder_.Write("input/data/train_4", "in the way");
  EXPECT_THAT(ErrorOf(RunShell("touch ../../model/started")),
              HasSubstr("train_4 is in the way of an epoch's pipe"));
  EXPECT_FALSE(folder_.Has("model/started"));
}

}  // namespace
}  // namespace headrace::job
