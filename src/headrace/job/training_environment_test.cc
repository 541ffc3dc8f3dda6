// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/training_environment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "headrace/job/channel_options.h"
#include "headrace/job/config_files.h"

namespace headrace::job {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;

JobSpec Job() {
  JobSpec spec;
  spec.name = "jj";
  spec.channels = {ParseChannel("train=s3://b/p,content-type=text/csv").value(),
                   ParseChannel("my-data=s3://b/q,distribution=ShardedByS3Key").value()};
  spec.hyperparameters = {{"lr", "0.1"},        {"name", "abc"},
                          {"q", "\"abc\""},     {"n", "null"},
                          {"t", "true"},        {"learning-rate", "1e-05"},
                          {"l", "[1, 2.50]"},   {"d", R"({"b":1,"a":null})"},
                          {"sagemaker_x", "1"}, {"sagemaker_program", "train.py"}};
  return spec;
}

std::map<std::string, std::string> Variables() {
  return ContractVariables(Job(), {.cpu_count = 2, .gpu_count = 1});
}

TEST(ContractVariables, NameEachChannelsFolderInUpperCaseOnly) {
  auto variables = Variables();
  EXPECT_EQ(variables["SM_CHANNEL_TRAIN"], "/opt/ml/input/data/train");
  EXPECT_EQ(variables["SM_CHANNEL_MY-DATA"], "/opt/ml/input/data/my-data");
  EXPECT_EQ(variables["SM_CHANNELS"], R"(["my-data","train"])");
}

// The values on the right are what sagemaker-training 5.1.4 makes of the same hyperparameters.
TEST(ContractVariables, EncodeHyperparametersAsTheToolkitDoes) {
  auto variables = Variables();
  EXPECT_EQ(variables["SM_HPS"],
            R"({"d":{"a":null,"b":1},"l":[1,2.5],"learning-rate":1e-05,"lr":0.1,"n":null,)"
            R"("name":"abc","q":"abc","t":true})");
  EXPECT_EQ(variables["SM_HP_LR"], "0.1");
  EXPECT_EQ(variables["SM_HP_NAME"], "abc");
  EXPECT_EQ(variables["SM_HP_Q"], "abc");
  EXPECT_EQ(variables["SM_HP_N"], "");
  EXPECT_EQ(variables["SM_HP_T"], "true");
  EXPECT_EQ(variables["SM_HP_LEARNING-RATE"], "1e-05");
  EXPECT_EQ(variables["SM_FRAMEWORK_PARAMS"], R"({"sagemaker_x":1})");
  EXPECT_EQ(variables["SM_USER_ARGS"],
            R"(["-d","a=None,b=1","-l","[1, 2.5]","--learning-rate","1e-05","--lr","0.1","-n","",)"
            R"("--name","abc","-q","abc","-t","True"])");
  EXPECT_EQ(variables["SM_USER_ENTRY_POINT"], "train.py");
  EXPECT_EQ(variables["SM_MODULE_NAME"], "train");
  EXPECT_FALSE(variables.contains("SM_HP_SAGEMAKER_PROGRAM"));
}

TEST(CommandWords, HoldTheHyperparametersWhereTheJobSaysSo) {
  JobSpec spec;
  spec.command = {"python3", "train.py"};
  spec.hyperparameters = {{"lr", "0.1"}, {"epochs", "3"}, {"sagemaker_program", "train.py"}};
  EXPECT_THAT(CommandWords(spec), ElementsAre("python3", "train.py"));
  spec.passes_hyperparameters = true;
  EXPECT_THAT(CommandWords(spec),
              ElementsAre("python3", "train.py", "--epochs", "3", "--lr", "0.1"));
}

TEST(ContractVariables, NameTheTreeHostsAndMachine) {
  auto variables = Variables();
  EXPECT_EQ(variables["SM_MODEL_DIR"], "/opt/ml/model");
  EXPECT_EQ(variables["SM_INPUT_DIR"], "/opt/ml/input");
  EXPECT_EQ(variables["SM_INPUT_CONFIG_DIR"], "/opt/ml/input/config");
  EXPECT_EQ(variables["SM_CHECKPOINT_CONFIG_FILE"], "/opt/ml/input/config/checkpointconfig.json");
  EXPECT_EQ(variables["SM_OUTPUT_DIR"], "/opt/ml/output");
  EXPECT_EQ(variables["SM_OUTPUT_DATA_DIR"], "/opt/ml/output/data");
  EXPECT_EQ(variables["SM_OUTPUT_INTERMEDIATE_DIR"], "/opt/ml/output/intermediate");
  EXPECT_EQ(variables["SM_NUM_CPUS"], "2");
  EXPECT_EQ(variables["SM_NUM_GPUS"], "1");
  EXPECT_EQ(variables["SM_HOSTS"], R"(["algo-1"])");
  EXPECT_EQ(variables["SM_CURRENT_HOST"], "algo-1");
  EXPECT_EQ(variables["SM_IS_HETERO"], "false");
  EXPECT_EQ(variables["SM_LOG_LEVEL"], "20");
  EXPECT_EQ(variables["SM_FRAMEWORK_MODULE"], "");
  EXPECT_EQ(variables["TRAINING_JOB_NAME"], "jj");
  EXPECT_EQ(variables["SAGEMAKER_BASE_DIR"], "/opt/ml");
  EXPECT_EQ(json::parse(variables["SM_TRAINING_ENV"])["job_name"], "jj");
  EXPECT_FALSE(variables.contains("AWS_REGION"));
}

TEST(ContractVariables, FollowWhatTheToolkitIsTold) {
  JobSpec spec = Job();
  EXPECT_EQ(json::parse(ContractVariables(spec, {})["SM_TRAINING_ENV"])["is_modelparallel_enabled"],
            nullptr);
  spec.hyperparameters["mp_parameters"] = R"({"partitions": 2})";
  spec.hyperparameters["sagemaker_submit_directory"] = "s3://b/source.tar.gz";
  spec.hyperparameters["sagemaker_container_log_level"] = "10";
  auto variables = ContractVariables(spec, {});
  const json facts = json::parse(variables["SM_TRAINING_ENV"]);
  EXPECT_EQ(facts["is_modelparallel_enabled"], true);
  EXPECT_EQ(facts["is_smddprun_installed"], false);
  EXPECT_EQ(variables["SM_MODULE_DIR"], "s3://b/source.tar.gz");
  EXPECT_EQ(variables["SM_LOG_LEVEL"], "10");
  spec.hyperparameters["mp_parameters"] = "{}";
  EXPECT_EQ(json::parse(ContractVariables(spec, {})["SM_TRAINING_ENV"])["is_modelparallel_enabled"],
            false);
}

TEST(ContractVariables, RankHostsByTheirPlaceInTheSortedList) {
  JobSpec spec = Job();
  spec.hosts = {"algo-2", "algo-10", "algo-1"};
  spec.current_host = "algo-2";
  auto variables = ContractVariables(spec, {});
  EXPECT_EQ(variables["SM_HOSTS"], R"(["algo-1","algo-10","algo-2"])");
  EXPECT_EQ(variables["SM_CURRENT_HOST_RANK"], "2");
  EXPECT_EQ(variables["SM_HOST_COUNT"], "3");
}

TEST(ConfigFiles, HaveTheContractsKeys) {
  EXPECT_EQ(InputDataConfig(Job()), json::parse(R"({
    "train": {"ContentType": "text/csv", "TrainingInputMode": "File",
              "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"},
    "my-data": {"TrainingInputMode": "File", "S3DistributionType": "ShardedByS3Key",
                "RecordWrapperType": "None"}})"));
  EXPECT_EQ(HyperparametersConfig(Job())["q"], "\"abc\"");
  EXPECT_EQ(ResourceConfig(Job()), json::parse(R"({
    "current_host": "algo-1", "current_instance_type": "local",
    "current_group_name": "homogeneousCluster", "hosts": ["algo-1"],
    "instance_groups": [{"instance_group_name": "homogeneousCluster", "instance_type": "local",
                         "hosts": ["algo-1"]}],
    "network_interface_name": "eth0"})"));
  JobSpec spec = Job();
  spec.base_directory = "/opt/ml";
  EXPECT_EQ(CheckpointConfig(spec), json::parse(R"({"LocalPath": "/opt/ml/checkpoints"})"));
}

TEST(TrainingEnvironment, KeepsInheritedVariablesButNoOtherJobs) {
  const Environment inherited(
      {{"PATH", "/bin"}, {"SM_CHANNEL_OLD", "/old"}, {"SM_HP_OLD", "1"}, {"SM_MODEL_DIR", "/old"}});
  JobSpec spec = Job();
  spec.environment = {{"PATH", "/mine"}};
  const Environment environment = TrainingEnvironment(spec, {}, inherited);
  EXPECT_EQ(environment.Get("PATH"), "/mine");
  EXPECT_EQ(environment.Get("SM_MODEL_DIR"), "/opt/ml/model");
  EXPECT_FALSE(environment.variables().contains("SM_CHANNEL_OLD"));
  EXPECT_FALSE(environment.variables().contains("SM_HP_OLD"));
}

}  // namespace
}  // namespace headrace::job
