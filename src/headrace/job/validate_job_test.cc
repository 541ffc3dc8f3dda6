// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/validate_job.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/job/channel_options.h"

namespace headrace::job {
namespace {

using testing::HasSubstr;

JobSpec GoodJob() {
  JobSpec spec;
  spec.name = "job-1";
  spec.channels.push_back(ParseChannel("train=s3://bucket/train").value());
  spec.command = {"true"};
  return spec;
}

std::string Refusal(const JobSpec& spec) {
  const Status status = ValidateJob(spec);
  return status.has_value() ? "accepted" : status.error().message();
}
std::string RefusalOfChannels(const std::vector<std::string>& channels) {
  JobSpec spec = GoodJob();
  spec.channels.clear();
  for (const std::string& text : channels) spec.channels.push_back(ParseChannel(text).value());
  return Refusal(spec);
}

TEST(ValidateJob, AcceptsAPlainJobAndOneWithoutData) {
  JobSpec spec = GoodJob();
  EXPECT_EQ(Refusal(spec), "accepted");
  spec.channels.clear();
  EXPECT_EQ(Refusal(spec), "accepted");
}

TEST(ValidateJob, RefusesJobNamesThatSageMakerRefuses) {
  JobSpec spec = GoodJob();
  for (const std::string& name : {std::string(), std::string("-a"), std::string("a-"),
                                  std::string("a_b"), std::string(64, 'a')}) {
    spec.name = name;
    EXPECT_THAT(Refusal(spec), HasSubstr("job name")) << name;
  }
  spec.name = std::string(63, 'a');
  EXPECT_EQ(Refusal(spec), "accepted");
}

TEST(ValidateJob, RefusesChannelNamesThatAreNoFolder) {
  EXPECT_THAT(RefusalOfChannels({"a b=s3://b/p"}), HasSubstr("channel name 'a b'"));
  EXPECT_THAT(RefusalOfChannels({"..=s3://b/p"}), HasSubstr("channel name"));
  EXPECT_THAT(RefusalOfChannels({"a/b=s3://b/p"}), HasSubstr("channel name"));
  EXPECT_THAT(RefusalOfChannels({fmt::format("{:x>65}=s3://b/p", "")}), HasSubstr("1 to 64"));
  EXPECT_EQ(RefusalOfChannels({"a.b-c_D9=s3://b/p"}), "accepted");
}

TEST(ValidateJob, RefusesUrisThatAreNotS3) {
  EXPECT_THAT(RefusalOfChannels({"a=https://b/p"}), HasSubstr("channel a: 'https://b/p'"));
  EXPECT_THAT(RefusalOfChannels({"a=s3:///p"}), HasSubstr("names no bucket"));
  EXPECT_THAT(RefusalOfChannels({fmt::format("a=s3://b/{:k>1024}", "")}), HasSubstr("1024"));
  EXPECT_EQ(RefusalOfChannels({"a=s3://bucket"}), "accepted");
}

TEST(ValidateJob, RefusesDuplicatesAndClashes) {
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p", "a=s3://b/q"}), HasSubstr("given twice"));
  EXPECT_THAT(RefusalOfChannels({"train=s3://b/p", "Train=s3://b/q"}),
              HasSubstr("share the variable SM_CHANNEL_TRAIN"));
  EXPECT_THAT(RefusalOfChannels({"train_0=s3://b/p", "train=s3://b/q,mode=Pipe"}),
              HasSubstr("train_0 has the name of an epoch's pipe of channel train"));
}

TEST(ValidateJob, RefusesHyperparametersThatShareAVariable) {
  JobSpec spec = GoodJob();
  spec.hyperparameters = {{"rate", "1"}, {"Rate", "2"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("Rate and rate would share the variable SM_HP_RATE"));
  spec.hyperparameters = {{"rate", "1"}, {"rate-", "2"}};
  EXPECT_EQ(Refusal(spec), "accepted");
}

TEST(ValidateJob, RefusesIllegalCombinations) {
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,mode=FastFile,data-type=ManifestFile"}),
              HasSubstr("FastFile takes data-type S3Prefix only"));
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,mode=FastFile,data-type=AugmentedManifestFile"}),
              HasSubstr("FastFile takes data-type S3Prefix only"));
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,compression=Gzip"}), HasSubstr("mode Pipe only"));
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,record-wrapper=RecordIO"}),
              HasSubstr("mode Pipe only"));
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,mode=Pipe,data-type=AugmentedManifestFile"}),
              HasSubstr("needs 1 to 16 attributes"));
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,attributes=x"}),
              HasSubstr("AugmentedManifestFile only"));
}

TEST(ValidateJob, TakesWhatBelongsToPipeMode) {
  for (const std::string_view option :
       {"mode=Pipe", "mode=Pipe,data-type=ManifestFile", "mode=Pipe,compression=Gzip",
        "mode=Pipe,record-wrapper=RecordIO,compression=Gzip,resume=3:1200",
        "mode=Pipe,data-type=AugmentedManifestFile,record-wrapper=RecordIO,attributes=a-ref,b"}) {
    EXPECT_EQ(RefusalOfChannels({fmt::format("a=s3://b/p,{}", option)}), "accepted") << option;
  }
  // Epochs' pipes of the one are no folders of the other.
  EXPECT_EQ(RefusalOfChannels({"a_0=s3://b/p,mode=Pipe", "a=s3://b/p,mode=Pipe"}), "accepted");
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,resume=3:1200"}), HasSubstr("mode Pipe only"));
}

TEST(ValidateJob, RefusesWhatIsAbsentInsteadOfFakingIt) {
  JobSpec spec = GoodJob();
  for (const std::string_view option : {"mode=FastFile"}) {
    spec.channels = {ParseChannel(fmt::format("a=s3://b/p,{}", option)).value()};
    const Status status = ValidateJob(spec);
    ASSERT_FALSE(status.has_value()) << option;
    EXPECT_EQ(status.error().code(), ErrorCode::kUnsupported) << option;
  }
}

TEST(ValidateJob, HoldsSageMakersLimits) {
  JobSpec spec = GoodJob();
  spec.channels.clear();
  for (int i = 0; i < 21; ++i) {
    spec.channels.push_back(ParseChannel(fmt::format("c{}=s3://b/p", i)).value());
  }
  EXPECT_THAT(Refusal(spec), HasSubstr("21 channels"));
  spec = GoodJob();
  spec.channels[0].content_type = std::string(257, 'x');
  EXPECT_THAT(Refusal(spec), HasSubstr("256"));
  spec = GoodJob();
  for (int i = 0; i < 101; ++i) spec.hyperparameters[fmt::format("h{}", i)] = "1";
  EXPECT_THAT(Refusal(spec), HasSubstr("101 hyperparameters"));
  spec.hyperparameters = {{"h", std::string(2501, 'x')}};
  EXPECT_THAT(Refusal(spec), HasSubstr("2500"));
  spec.hyperparameters = {{"h", "\xff"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("UTF-8"));
  spec.hyperparameters = {{"a=b", "1"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("without '='"));
  spec = GoodJob();
  spec.environment = {{"1A", "x"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("'1A'"));
  spec.environment = {{"A", std::string(513, 'x')}};
  EXPECT_THAT(Refusal(spec), HasSubstr("512"));
}

TEST(ValidateJob, RefusesVariablesThatTheContractSets) {
  JobSpec spec = GoodJob();
  spec.environment = {{"SM_MODEL_DIR", "/tmp"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("SM_MODEL_DIR is set by the job itself"));
  spec.environment = {{"SM_CHANNEL_TRAIN", "/tmp"}};
  EXPECT_THAT(Refusal(spec), HasSubstr("SM_CHANNEL_TRAIN"));
  spec.environment = {{"PYTHONUNBUFFERED", "1"}};
  EXPECT_EQ(Refusal(spec), "accepted");
}

TEST(ValidateJob, RefusesHostsThatDoNotAddUp) {
  JobSpec spec = GoodJob();
  spec.hosts = {"a", "a"};
  spec.current_host = "a";
  EXPECT_THAT(Refusal(spec), HasSubstr("named twice"));
  spec.hosts = {"b"};
  EXPECT_THAT(Refusal(spec), HasSubstr("'a' is not among"));
}

TEST(ValidateJob, RefusesAJobWithoutCommandAndARelativeBase) {
  JobSpec spec = GoodJob();
  spec.command.clear();
  EXPECT_THAT(Refusal(spec), HasSubstr("after --"));
  spec = GoodJob();
  spec.base_directory = "job";
  EXPECT_THAT(Refusal(spec), HasSubstr("absolute"));
}

TEST(ValidateJob, TakesDirectoriesWithWhatMakesSenseForThem) {
  EXPECT_EQ(RefusalOfChannels({"a=/mnt/data", "b=file:///mnt/b,access=rw,content-type=text/csv",
                               "c=/mnt/c,mode=File,distribution=FullyReplicated"}),
            "accepted");
  for (const char* const option :
       {"mode=Pipe", "mode=FastFile", "distribution=ShardedByS3Key", "data-type=ManifestFile",
        "shuffle-seed=1", "compression=Gzip", "record-wrapper=RecordIO", "attributes=x"}) {
    EXPECT_THAT(RefusalOfChannels({fmt::format("a=/mnt/data,{}", option)}),
                HasSubstr("channel a: a directory takes mode File"))
        << option;
  }
  EXPECT_THAT(RefusalOfChannels({"a=file://host/data"}), HasSubstr("names no directory"));
  EXPECT_THAT(RefusalOfChannels({"a=s3://b/p,access=rw"}), HasSubstr("access belongs to"));
}

TEST(ValidateJob, RefusesCheckpointsWhereSomethingElseIsKept) {
  JobSpec spec = GoodJob();
  spec.checkpoint.s3_uri = "s3://b/jobs/job-1";
  EXPECT_EQ(Refusal(spec), "accepted");
  for (const char* folder : {"/", "/opt/ml", "/opt", "/opt/ml/model", "/opt/ml/model/ckpt",
                             "/opt/ml/input/data/train"}) {
    spec.checkpoint.folder = folder;
    EXPECT_THAT(Refusal(spec), HasSubstr("one inside the other")) << folder;
  }
  spec.checkpoint.folder = "/opt/ml/models";
  EXPECT_EQ(Refusal(spec), "accepted");
  spec.output_uri = "s3://b/jobs";
  EXPECT_THAT(Refusal(spec), HasSubstr("s3://b/jobs/job-1/output/"));
  spec.output_uri = "s3://other/jobs";
  EXPECT_EQ(Refusal(spec), "accepted");
}

TEST(ValidateJob, RefusesCheckpointSettingsWithoutAPlace) {
  JobSpec spec = GoodJob();
  spec.checkpoint.deletes = true;
  EXPECT_THAT(Refusal(spec), HasSubstr("no checkpoint URI"));
  spec.checkpoint.s3_uri = "/data/ckpt";
  EXPECT_THAT(Refusal(spec), HasSubstr("checkpoint"));
  spec.checkpoint = {.s3_uri = "s3://b/c", .folder = "relative"};
  EXPECT_THAT(Refusal(spec), HasSubstr("absolute"));
}

}  // namespace
}  // namespace headrace::job
