// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/run_job.h"

#include <poll.h>
#include <signal.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "headrace/base/gate.h"
#include "headrace/job/channel_options.h"
#include "headrace/job/directory_binding.h"
#include "headrace/job/job_folder.h"
#include "headrace/job/job_tree.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;
using headrace::testing::BlockingStore;
using headrace::testing::IsOk;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr const char* kReport = "jobs/j1/output/headrace-report.json";

// Hears downloads, counts them and may post a signal after the first.
class CountingObserver final : public DownloadObserver {
 public:
  void OnBegin(uint64_t objects, uint64_t bytes) override {
    told = fmt::format("{} of {} bytes", objects, bytes);
  }
  void OnEnd() override { told += ", ended"; }
  void OnBytes(uint64_t) override {}
  void OnItemDone(size_t) override {
    if (++done == 1 && post) post();
  }
  void OnItemFailed(size_t, const Error&) override {}

  std::atomic<int> done = 0;
  std::string told;
  std::function<void()> post;
};

class RunJobTest : public ::testing::Test {
 protected:
  RunJobTest() {
    EXPECT_THAT(store_.CreateBucket("data"), IsOk());
    EXPECT_THAT(store_.CreateBucket("results"), IsOk());
    spec_.name = "j1";
    spec_.base_directory = base_.string();
    spec_.output_uri = "s3://results/jobs";
    world_.store = &memory_;
    world_.loops = &loops_;
    world_.signals = &signals_;
    world_.inherited.Set("PATH", "/usr/bin:/bin");
    world_.observer = &observer_;
  }

  void GivenObject(const std::string& key, const std::string& text) {
    ASSERT_THAT(store_.Put("data", key, text), IsOk());
  }
  void GivenChannel(const std::string& text) {
    spec_.channels.push_back(ParseChannel(text).value());
  }
  JobResult RunShell(const std::string& script) {
    spec_.command = {"sh", "-c", script};
    return RunJob(spec_, options_, world_);
  }
  std::string Read(const std::string& name) const { return folder_.Read(name); }
  std::string ErrorOf(const JobResult& result) const {
    return result.error ? result.error->message() : "";
  }

  headrace::testing::TempDir folder_;
  const fs::path& base_ = folder_.path();
  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{2};
  SignalInbox signals_ = SignalInbox::Make().value();
  CountingObserver observer_;
  JobSpec spec_;
  JobOptions options_;
  JobWorld world_;
};

TEST_F(RunJobTest, FreshRemovesNothingBehindASymbolicLink) {
  fs::create_directories(base_ / "elsewhere");
  std::ofstream(base_ / "elsewhere/keep") << "x";
  options_.is_fresh = true;
  for (const char* name : {"model", "output"}) {
    fs::remove_all(base_ / name);
    fs::create_directory_symlink(base_ / "elsewhere", base_ / name);
    EXPECT_THAT(ErrorOf(RunShell("true")), HasSubstr(std::string(name) + " is a symbolic link"));
    EXPECT_TRUE(fs::exists(base_ / "elsewhere/keep"));
    fs::remove(base_ / name);
  }
}

TEST_F(RunJobTest, UploadsTheRestWhenSomeOfTheModelCannotBePacked) {
  const JobResult result = RunShell(
      "echo weights > $SM_MODEL_DIR/weights; ln -s /proc/self $SM_MODEL_DIR/process;"
      "ln -s /proc/self/status $SM_MODEL_DIR/status; echo log > $SM_OUTPUT_DATA_DIR/log");
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_THAT(*store_.Keys("results"),
              ElementsAre(kReport, "jobs/j1/output/model.tar.gz", "jobs/j1/output/output.tar.gz"));
  ASSERT_EQ(result.report.outputs.size(), 2U);
  EXPECT_THAT(result.report.outputs[0].skipped, ElementsAre("process", "status"));
}

TEST_F(RunJobTest, GivesTheCommandItsDataAndUploadsWhatItMakes) {
  GivenObject("train/a.txt", "alpha");
  GivenObject("train/sub/b.txt", "beta");
  GivenObject("train/", "");
  GivenChannel("train=s3://data/train");
  spec_.hyperparameters = {{"epochs", "3"}};
  const JobResult result = RunShell(
      "cat $SM_CHANNEL_TRAIN/a.txt $SM_CHANNEL_TRAIN/sub/b.txt > $SM_MODEL_DIR/model.txt;"
      "echo $SM_HP_EPOCHS > $SM_OUTPUT_DATA_DIR/log");
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(Read("model/model.txt"), "alphabeta");
  EXPECT_EQ(Read("output/data/log"), "3\n");
  EXPECT_THAT(*store_.Keys("results"),
              ElementsAre(kReport, "jobs/j1/output/model.tar.gz", "jobs/j1/output/output.tar.gz"));
  ASSERT_EQ(result.report.channels.size(), 1U);
  EXPECT_EQ(result.report.channels[0].counts.objects, 2U);
  EXPECT_EQ(result.report.channels[0].counts.bytes, 9U);
  EXPECT_EQ(result.report.outputs[0].uri, "s3://results/jobs/j1/output/model.tar.gz");
  EXPECT_FALSE(fs::exists(base_ / "output/failure"));
}

TEST_F(RunJobTest, DownloadsWhatAManifestNames) {
  for (const std::string key : {"set/a", "set/b/c", "set/d"}) GivenObject(key, "of " + key);
  GivenObject("m.json", R"([{"prefix": "s3://data/set/"}, "b/c", "a"])");
  GivenChannel("train=s3://data/m.json,data-type=ManifestFile");
  const JobResult result = RunShell("cd $SM_CHANNEL_TRAIN && find . -type f | sort");
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_EQ(Read("input/data/train/a"), "of set/a");
  EXPECT_EQ(Read("input/data/train/b/c"), "of set/b/c");
  EXPECT_EQ(result.report.channels.at(0).counts.objects, 2U);
}

TEST_F(RunJobTest, NamesChannelManifestAndEntryWithoutAnObject) {
  GivenObject("set/a", "x");
  GivenObject("m.json", R"([{"prefix": "s3://data/set/"}, "a", "gone"])");
  GivenChannel("train=s3://data/m.json,data-type=ManifestFile");
  const JobResult result = RunShell("true");
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ErrorCode::kNotFound);
  EXPECT_THAT(ErrorOf(result),
              HasSubstr("channel train, s3://data/m.json: entry 2 of the manifest: "
                        "no object s3://data/set/gone"));
}

TEST_F(RunJobTest, SharesAShuffledChannelAmongHostsWithoutOverlap) {
  for (int i = 0; i < 30; ++i) GivenObject(fmt::format("set/{:02}", i), "x");
  GivenChannel("train=s3://data/set/,distribution=ShardedByS3Key,shuffle-seed=5");
  spec_.hosts = {"h-1", "h-2", "h-3"};
  std::vector<std::string> files;
  for (const std::string& host : spec_.hosts) {
    spec_.current_host = host;
    spec_.base_directory = (base_ / host).string();
    ASSERT_EQ(ErrorOf(RunShell("true")), "");
    for (const auto& file : fs::directory_iterator(base_ / host / "input/data/train")) {
      files.push_back(file.path().filename().string());
    }
    EXPECT_EQ(files.size() % 10, 0U);
  }
  std::ranges::sort(files);
  EXPECT_EQ(files.size(), 30U);
  EXPECT_EQ(std::ranges::unique(files).size(), 0U);
}

TEST_F(RunJobTest, WritesTheConfigFiles) {
  GivenObject("train/a", "x");
  GivenChannel("train=s3://data/train,content-type=text/csv");
  spec_.hyperparameters = {{"lr", "0.1"}};
  ASSERT_EQ(RunShell("true").exit_code, 0);
  const auto parsed = [&](const std::string& name) {
    return nlohmann::json::parse(Read("input/config/" + name));
  };
  EXPECT_EQ(parsed("inputdataconfig.json")["train"]["ContentType"], "text/csv");
  EXPECT_EQ(parsed("hyperparameters.json")["lr"], "0.1");
  EXPECT_EQ(parsed("resourceconfig.json")["current_host"], "algo-1");
}

TEST_F(RunJobTest, FailsBeforeTheCommandWhenAChannelIsEmpty) {
  GivenObject("train/", "");
  GivenChannel("train=s3://data/train/");
  const JobResult result = RunShell("touch $SM_MODEL_DIR/started");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.error->code(), ErrorCode::kNotFound);
  EXPECT_THAT(ErrorOf(result), HasSubstr("channel train: no object under s3://data/train/"));
  EXPECT_FALSE(fs::exists(base_ / "model/started"));
  EXPECT_EQ(Read("output/failure"), ErrorOf(result));
}

TEST_F(RunJobTest, FailsBeforeTheCommandWhenABucketIsMissing) {
  GivenChannel("train=s3://nowhere/train");
  EXPECT_EQ(RunShell("true").error->code(), ErrorCode::kNotFound);
  spec_.channels.clear();
  spec_.output_uri = "s3://nowhere/jobs";
  const JobResult result = RunShell("touch $SM_MODEL_DIR/started");
  EXPECT_THAT(ErrorOf(result), HasSubstr("output s3://nowhere/jobs"));
  EXPECT_FALSE(fs::exists(base_ / "model/started"));
}

TEST_F(RunJobTest, RefusesKeysThatAreNoFilesBeforeAnyDownload) {
  GivenObject("train/a", "x");
  GivenObject("train/b/../c", "x");
  GivenChannel("train=s3://data/train");
  const JobResult result = RunShell("true");
  EXPECT_EQ(result.error->code(), ErrorCode::kInvalidArgument);
  EXPECT_THAT(ErrorOf(result), HasSubstr("train/b/../c"));
  EXPECT_EQ(observer_.done, 0);
}

TEST_F(RunJobTest, DownloadsNothingTwice) {
  GivenObject("train/a", "1");
  GivenObject("train/b", "2");
  GivenChannel("train=s3://data/train");
  ASSERT_EQ(RunShell("exit 1").exit_code, 1);
  EXPECT_EQ(observer_.done, 2);
  fs::remove(base_ / "input/data/train/a");
  std::ofstream(base_ / "input/data/train/.b.0123456789ab.headrace-part") << "half";
  const JobResult result = RunShell("test -s $SM_CHANNEL_TRAIN/a");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(observer_.done, 3);
  EXPECT_EQ(observer_.told, "1 of 1 bytes, ended");
  EXPECT_EQ(result.report.channels[0].counts.objects_kept, 1U);
  EXPECT_FALSE(fs::exists(base_ / "input/data/train/.b.0123456789ab.headrace-part"));
}

TEST_F(RunJobTest, DownloadsAgainWhatHasChangedAndRefusesStrangers) {
  GivenObject("train/a", "1");
  GivenChannel("train=s3://data/train");
  ASSERT_EQ(RunShell("true").exit_code, 0);
  GivenObject("train/a", "2");
  ASSERT_EQ(RunShell("grep -q 2 $SM_CHANNEL_TRAIN/a").exit_code, 0);
  std::ofstream(base_ / "input/data/train/stranger") << "x";
  const JobResult result = RunShell("true");
  ASSERT_TRUE(result.error.has_value());
  EXPECT_EQ(result.error->code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(ErrorOf(result), HasSubstr("train/stranger is not among the objects"));
}

TEST_F(RunJobTest, GivesEachHostItsShare) {
  for (const char name : {'a', 'b', 'c'}) GivenObject(fmt::format("train/{}", name), "x");
  GivenChannel("train=s3://data/train/,distribution=ShardedByS3Key");
  spec_.hosts = {"h2", "h1"};
  spec_.current_host = "h1";
  ASSERT_EQ(RunShell("cd $SM_CHANNEL_TRAIN; ls > $SM_OUTPUT_DATA_DIR/names").exit_code, 0);
  EXPECT_EQ(Read("output/data/names"), "a\nc\n");
}

TEST_F(RunJobTest, GivesEachRankOfALauncherItsShareOfShardedChannelsOnly) {
  for (const char name : {'a', 'b', 'c'}) GivenObject(fmt::format("train/{}", name), "x");
  GivenChannel("sharded=s3://data/train/,distribution=ShardedByS3Key");
  GivenChannel("whole=s3://data/train/");
  world_.inherited.Set("RANK", "1");
  world_.inherited.Set("WORLD_SIZE", "2");
  ASSERT_EQ(ErrorOf(RunShell("ls $SM_CHANNEL_SHARDED $SM_CHANNEL_WHOLE |"
                             "xargs > $SM_OUTPUT_DATA_DIR/names")),
            "");
  EXPECT_THAT(Read("output/data/names"), HasSubstr("sharded: b"));
  EXPECT_THAT(Read("output/data/names"), HasSubstr("whole: a b c"));
}

TEST_F(RunJobTest, ARankThatIsNoneEndsOnlyAJobThatNeedsOne) {
  GivenObject("train/a", "x");
  world_.inherited.Set("RANK", "1");
  GivenChannel("whole=s3://data/train/");
  EXPECT_EQ(ErrorOf(RunShell("true")), "");
  GivenChannel("sharded=s3://data/train/,distribution=ShardedByS3Key");
  EXPECT_THAT(ErrorOf(RunShell("true")), HasSubstr("channel sharded: RANK='1'"));
}

TEST_F(RunJobTest, KeepsTheExitCodeAndUploadsWhatAFailedCommandMade) {
  const JobResult result = RunShell("echo partial > $SM_OUTPUT_DATA_DIR/log; exit 42");
  EXPECT_EQ(result.exit_code, 42);
  EXPECT_FALSE(result.error.has_value());
  EXPECT_EQ(Read("output/failure"), "the command exited with code 42");
  EXPECT_EQ(result.report.failure, "the command exited with code 42");
  // The empty model folder replaces no earlier model.
  EXPECT_THAT(*store_.Keys("results"), ElementsAre(kReport, "jobs/j1/output/output.tar.gz"));
}

TEST_F(RunJobTest, ShowsTheFirst1024CharactersOfTheCommandsOwnFailure) {
  std::string script = "i=0; while [ $i -lt 1100 ]; do printf 'é' >> $SM_OUTPUT_FAILURE;";
  script += " i=$((i+1)); done; exit 1";
  const JobResult result = RunShell(script);
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_EQ(result.report.failure.size(), 2048U);
  EXPECT_THAT(result.report.failure, StartsWith("éé"));
}

TEST_F(RunJobTest, SaysLikeAShellThatACommandCannotRun) {
  GivenObject("train/a", "x");
  GivenChannel("train=s3://data/train");
  spec_.command = {"no-such-command"};
  JobResult result = RunJob(spec_, options_, world_);
  EXPECT_EQ(result.exit_code, 127);
  EXPECT_THAT(ErrorOf(result), HasSubstr("no-such-command not found"));
  spec_.command = {"/"};
  result = RunJob(spec_, options_, world_);
  EXPECT_EQ(result.exit_code, 126);
  EXPECT_EQ(observer_.done, 0);
}

TEST_F(RunJobTest, StopsBeforeTheCommandOnASignalAndContinuesInTheNextRun) {
  for (int i = 0; i < 50; ++i) GivenObject(fmt::format("train/{}", i), "x");
  GivenChannel("train=s3://data/train");
  options_.transfer.requests_in_flight_max = 1;
  observer_.post = [&] { signals_.Post(SIGTERM); };
  const JobResult stopped = RunShell("touch $SM_MODEL_DIR/started");
  EXPECT_EQ(stopped.exit_code, 128 + SIGTERM);
  EXPECT_EQ(stopped.error->code(), ErrorCode::kCancelled);
  EXPECT_FALSE(fs::exists(base_ / "model/started"));
  observer_.post = nullptr;
  EXPECT_EQ(RunShell("test $(ls $SM_CHANNEL_TRAIN | wc -l) = 50").exit_code, 0);
  EXPECT_EQ(observer_.done, 50);
}

TEST_F(RunJobTest, RefusesOutputsOfAnEarlierRunUnlessTheyAreToGo) {
  ASSERT_EQ(RunShell("echo old > $SM_MODEL_DIR/old").exit_code, 0);
  const JobResult refused = RunShell("true");
  EXPECT_THAT(ErrorOf(refused), HasSubstr("/model is not empty"));
  EXPECT_EQ(Read("model/old"), "old\n");
  options_.is_fresh = true;
  // Perhaps the only copy: not for a job that cannot run.
  GivenChannel("train=s3://data/nothing/");
  EXPECT_THAT(ErrorOf(RunShell("true")), HasSubstr("s3://data/nothing/"));
  EXPECT_EQ(Read("model/old"), "old\n");
  spec_.channels.clear();
  EXPECT_EQ(RunShell("test ! -e $SM_MODEL_DIR/old").exit_code, 0);
}

TEST_F(RunJobTest, KeepsASecondJobOutOfTheSameTree) {
  GivenObject("train/a", "x");
  GivenChannel("train=s3://data/train");
  JobResult second;
  observer_.post = [&] { second = RunJob(spec_, options_, world_); };
  ASSERT_EQ(RunShell("true").exit_code, 0);
  ASSERT_TRUE(second.error.has_value());
  EXPECT_THAT(ErrorOf(second), HasSubstr("another job runs in"));
}

TEST_F(RunJobTest, ASecondJobLeavesTheLinksOfTheFirstAlone) {
  fs::create_directories(base_ / "nfs");
  GivenChannel("train=" + (base_ / "nfs").string());
  const JobFolder first = JobFolder::Take(spec_, false).value();
  const std::string target = first.tree().Channel("train");
  const std::vector<DirectoryBinding> bindings{
      {.directory = (base_ / "nfs").string(), .target = target, .is_writable = true}};
  const DirectoryLinks links = DirectoryLinks::Make(bindings).value();
  EXPECT_FALSE(JobFolder::Take(spec_, false).has_value());
  EXPECT_TRUE(fs::is_symlink(target));
}

TEST_F(RunJobTest, TheCommandKeepsTheTreeTaken) {
  EXPECT_EQ(RunShell("test /proc/$$/fd/3 -ef $SM_INPUT_CONFIG_DIR").exit_code, 0);
}

TEST_F(RunJobTest, RemovesTheReportOfTheRunBefore) {
  ASSERT_EQ(RunShell("true").exit_code, 0);
  EXPECT_EQ(RunShell("test ! -e $SM_OUTPUT_DIR/headrace-report.json").exit_code, 0);
}

TEST_F(RunJobTest, GivesTheCommandADirectoryOfThisMachine) {
  fs::create_directories(base_ / "nfs/sub");
  std::ofstream(base_ / "nfs/sub/a.txt") << "alpha";
  GivenChannel("train=" + (base_ / "nfs").string());
  GivenChannel("scratch=file://" + (base_ / "nfs/sub").string() + ",access=rw");
  spec_.output_uri.clear();
  world_.store = nullptr;
  const JobResult result = RunShell("cat $SM_CHANNEL_TRAIN/sub/a.txt > $SM_CHANNEL_SCRATCH/copy");
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(Read("nfs/sub/copy"), "alpha");
  EXPECT_TRUE(fs::is_empty(base_ / "input/data/train"));
  EXPECT_TRUE(fs::is_empty(base_ / "input/data/scratch"));
}

TEST_F(RunJobTest, NeedsNoStoreWithoutChannelsAndOutput) {
  spec_.output_uri.clear();
  world_.store = nullptr;
  EXPECT_EQ(RunShell("echo m > $SM_MODEL_DIR/m").exit_code, 0);
  EXPECT_THAT(*store_.Keys("results"), IsEmpty());
}

TEST_F(RunJobTest, UploadsOutputsAsTheyAreWhereAsked) {
  spec_.output_compression = Compression::kNone;
  const JobResult result = RunShell(
      "mkdir $SM_MODEL_DIR/sub; echo w > $SM_MODEL_DIR/sub/weights; ln -s . $SM_MODEL_DIR/self;"
      "echo c > $SM_MODEL_DIR/config.json; echo log > $SM_OUTPUT_DATA_DIR/log");
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_THAT(*store_.Keys("results"),
              ElementsAre("jobs/j1/output/data/log", kReport, "jobs/j1/output/model/config.json",
                          "jobs/j1/output/model/sub/weights"));
  const OutputReport& model = result.report.outputs.at(0);
  EXPECT_EQ(model.uri, "s3://results/jobs/j1/output/model/");
  EXPECT_EQ(model.files, 2U);
  EXPECT_EQ(model.size_bytes, 4U);
  EXPECT_THAT(model.skipped, ElementsAre("self"));
  EXPECT_EQ(store_.Head("results", "jobs/j1/output/model/config.json")->attributes.content_type,
            "application/json");
}

TEST_F(RunJobTest, ACommandThatRunsTooLongIsStoppedAndItsOutputsAreKept) {
  spec_.max_runtime = std::chrono::milliseconds(50);
  const JobResult result =
      RunShell("trap 'echo w > $SM_MODEL_DIR/weights; exit 0' TERM; while :; do sleep 0.01; done");
  EXPECT_EQ(result.exit_code, kExitOutOfTime);
  EXPECT_THAT(Read("output/failure"), HasSubstr("--max-runtime"));
}

TEST_F(RunJobTest, GoesOnFromTheCheckpointsOfTheRunBefore) {
  spec_.checkpoint.s3_uri = "s3://results/ckpt";
  const std::string script =
      "cd $SAGEMAKER_BASE_DIR/checkpoints; n=$(cat latest 2>/dev/null || echo 0);"
      "n=$((n+1)); echo w$n > step-$n; echo $n > latest; exit $((2-n))";
  EXPECT_EQ(RunShell(script).exit_code, 1);
  EXPECT_THAT(*store_.Keys("results", "ckpt/"), ElementsAre("ckpt/latest", "ckpt/step-1"));
  fs::remove_all(base_);
  const JobResult second = RunShell(script);
  EXPECT_EQ(ErrorOf(second), "");
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_EQ(Read("checkpoints/step-1"), "w1\n");
  EXPECT_THAT(*store_.Keys("results", "ckpt/"),
              ElementsAre("ckpt/latest", "ckpt/step-1", "ckpt/step-2"));
  EXPECT_EQ(second.report.checkpoint->files_restored, 2U);
  EXPECT_EQ(observer_.told, "2 of 5 bytes, ended");
  EXPECT_EQ(second.report.checkpoint->files_uploaded, 2U);
}

TEST_F(RunJobTest, ANoticeOfInterruptionAsksTheCommandToSaveItsWork) {
  spec_.checkpoint.s3_uri = "s3://results/ckpt";
  world_.interruption = [this](const CallContext&) -> Result<std::optional<Interruption>> {
    if (!fs::exists(base_ / "checkpoints/ready")) return std::nullopt;
    return Interruption{.action = "terminate",
                        .at = world_.clock->WallNow() + std::chrono::minutes(2)};
  };
  options_.interruption.interval = std::chrono::milliseconds(1);
  const JobResult result = RunShell(
      "cd $SAGEMAKER_BASE_DIR/checkpoints; trap 'echo saved > last; exit 9' TERM;"
      "echo > ready; while :; do sleep 0.01; done");
  EXPECT_EQ(result.exit_code, 9);
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_EQ(store_.Get("results", "ckpt/last").value(), "saved\n");
}

TEST_F(RunJobTest, NamesTheCheckpointsThatTheStoreDidNotTake) {
  FaultyStore faulty(memory_);
  world_.store = &faulty;
  faulty.Add({.operation = StoreOperation::kPut,
              .key = "ckpt/step-1",
              .call_count = StoreFault::kEveryCall,
              .error = Error(ErrorCode::kUnavailable, "no route")});
  spec_.checkpoint.s3_uri = "s3://results/ckpt";
  options_.checkpoint_timing.deadline = std::chrono::milliseconds(20);
  const JobResult result =
      RunShell("echo weights > $SAGEMAKER_BASE_DIR/checkpoints/step-1; echo m > $SM_MODEL_DIR/m");
  EXPECT_EQ(result.error->code(), ErrorCode::kTimedOut);
  EXPECT_THAT(ErrorOf(result), HasSubstr("1 file (8 B) not uploaded: step-1 (8 B)"));
  EXPECT_THAT(ErrorOf(result), HasSubstr("kept in " + (base_ / "checkpoints").string()));
  EXPECT_THAT(ErrorOf(result), HasSubstr("no route"));
  // The outputs are uploaded all the same.
  EXPECT_THAT(*store_.Keys("results"), ElementsAre("jobs/j1/output/model.tar.gz"));
}

// A store that holds an upload of ckpt/step-1 back until `gate` opens, and says when it came.
class SignalsDuringTheFlush : public RunJobTest {
 protected:
  SignalsDuringTheFlush() {
    faulty_.Add({.operation = StoreOperation::kPut, .key = "ckpt/step-1", .gate = gate_});
    world_.store = &faulty_;
    spec_.checkpoint.s3_uri = "s3://results/ckpt";
    world_.say = [this](std::string_view line) {
      if (line.starts_with("command")) on_end_();
    };
  }
  JobResult RunAndSave() {
    return RunShell("echo weights > $SAGEMAKER_BASE_DIR/checkpoints/step-1");
  }

  std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  FaultyStore faulty_{memory_};
  std::function<void()> on_end_;
};

TEST_F(SignalsDuringTheFlush, TheFirstLeavesTimeToUpload) {
  std::thread opener;
  on_end_ = [&] {
    signals_.Post(SIGTERM);
    opener = std::thread([&] {
      pollfd waiting{.fd = signals_.fd(), .events = POLLIN, .revents = 0};
      while (poll(&waiting, 1, 0) != 0) std::this_thread::yield();
      gate_->Open();
    });
  };
  const JobResult result = RunAndSave();
  opener.join();
  EXPECT_EQ(ErrorOf(result), "");
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(store_.Get("results", "ckpt/step-1").value(), "weights\n");
}

TEST_F(SignalsDuringTheFlush, TheSecondEndsItAndTheErrorNamesWhatIsLeft) {
  on_end_ = [&] {
    signals_.Post(SIGTERM);
    signals_.Post(SIGINT);
  };
  const JobResult result = RunAndSave();
  EXPECT_EQ(result.exit_code, kExitSignalBase + SIGTERM);
  EXPECT_EQ(result.error->code(), ErrorCode::kCancelled);
  EXPECT_THAT(ErrorOf(result), StartsWith("Terminated: checkpoints may not be uploaded"));
  EXPECT_THAT(ErrorOf(result), HasSubstr("kept in " + (base_ / "checkpoints").string()));
}

TEST_F(SignalsDuringTheFlush, ItEndsWithTheGrace) {
  options_.process.stop_grace = std::chrono::milliseconds(1);
  on_end_ = [&] { signals_.Post(SIGTERM); };
  EXPECT_EQ(RunAndSave().error->code(), ErrorCode::kCancelled);
}

TEST_F(RunJobTest, ReportsWhatItDidInTheTreeAndBesideTheOutputs) {
  s3::S3Metrics metrics(s3::kS3Metrics);
  metrics.counter(s3::S3Metric::kRetries, 0).Add(3);
  world_.store_metrics = &metrics;
  GivenObject("train/a.txt", "alpha");
  GivenChannel("train=s3://data/train/");
  spec_.checkpoint.s3_uri = "s3://results/ckpt";
  RunShell("echo w > $SM_MODEL_DIR/weights; echo x > $SAGEMAKER_BASE_DIR/checkpoints/c; exit 3");
  const std::string text = Read("output/headrace-report.json");
  EXPECT_EQ(store_.Get("results", kReport).value(), text);
  const auto report = nlohmann::json::parse(text);
  EXPECT_EQ(report["format"], "headrace-run-report");
  EXPECT_EQ(report["version"], 1);
  EXPECT_EQ(report["exit_code"], 3);
  EXPECT_EQ(report["failure"], "the command exited with code 3");
  EXPECT_EQ(report["error"], nullptr);
  EXPECT_EQ(report["channels"][0]["mode"], "File");
  EXPECT_EQ(report["channels"][0]["objects"], 1);
  EXPECT_EQ(report["channels"][0]["bytes"], 5);
  EXPECT_EQ(report["channels"][0]["retries"], 0);  // Those before were not its.
  EXPECT_EQ(report["checkpoint"]["files_uploaded"], 1);
  EXPECT_EQ(report["outputs"][0]["uri"], "s3://results/jobs/j1/output/model.tar.gz");
  EXPECT_EQ(report["outputs"][1]["uri"], nullptr);
  EXPECT_EQ(report["retries"]["throttled"], 3);
  EXPECT_EQ(report["retries"]["no_answer"], 0);
}

TEST_F(RunJobTest, ReportsAFailureBeforeTheCommandInTheTreeAlone) {
  GivenChannel("train=s3://data/none/");
  RunShell("true");
  const auto report = nlohmann::json::parse(Read("output/headrace-report.json"));
  EXPECT_THAT(report["error"].get<std::string>(), HasSubstr("s3://data/none/"));
  EXPECT_EQ(report["seconds"]["command"], 0);
  EXPECT_THAT(*store_.Keys("results"), IsEmpty());
}

TEST_F(RunJobTest, DoesNotNameAReportThatCouldNotBeWritten) {
  std::vector<std::string> said;
  world_.say = [&said](std::string_view line) { said.emplace_back(line); };
  RunShell("mkdir -p $SAGEMAKER_BASE_DIR/output/headrace-report.json/x");
  EXPECT_THAT(said, Not(Contains(HasSubstr("headrace-report.json"))));
  said.clear();
  fs::remove_all(base_ / "output");
  RunShell("true");
  EXPECT_THAT(said, Contains(HasSubstr("headrace-report.json")));
}

TEST_F(RunJobTest, HostsOfOneJobHaveReportsOfTheirOwn) {
  spec_.hosts = {"algo-1", "algo-2"};
  spec_.current_host = "algo-2";
  RunShell("true");
  EXPECT_THAT(*store_.Keys("results"), ElementsAre("jobs/j1/output/headrace-report-algo-2.json"));
}

}  // namespace
}  // namespace headrace::job
