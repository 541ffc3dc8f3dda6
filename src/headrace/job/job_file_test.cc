// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/job_file.h"

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/job/job_flags.h"

namespace headrace::job {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view kWhole = R"(
name = "my-job"
base = "/data/job"
output = "s3://results/jobs"
command = ["python3", "train.py"]
hosts = ["a", "b"]
current-host = "b"

[channels.train]
uri = "s3://bucket/a,b=c"
content-type = "image/png"
distribution = "ShardedByS3Key"

[channels.test]
uri = "s3://bucket/test"
mode = "Pipe"
shuffle-seed = 4

[hyperparameters]
epochs = 20
lr = 0.1
name = "abc"
flag = true
list = [1, "x", { a = 2 }]

[environment]
PYTHONUNBUFFERED = "1"
)";

std::string Refusal(std::string_view text) {
  const auto spec = ParseJobFile(text, "job.toml", {});
  return spec.has_value() ? "accepted" : spec.error().message();
}

TEST(JobFile, RefusesTextThatWouldEndAtANulWithItsLine) {
  for (const char* line :
       {"command = [\"printf\", \"a\\u0000b\"]", "base = \"/tmp/a\\u0000b\"",
        "hosts = [\"a\\u0000\"]", "[environment]\nA = \"\\u0000\"",
        "[channels.a]\nuri = \"s3://b/\\u0000\"", "[checkpoint]\nfolder = \"/a\\u0000\""}) {
    const auto line_number = std::string_view(line).contains('\n') ? 3 : 2;
    EXPECT_THAT(Refusal("\n" + std::string(line)),
                HasSubstr(fmt::format("job.toml:{}: ", line_number)));
    EXPECT_THAT(Refusal(line), HasSubstr("NUL")) << line;
  }
}

TEST(JobFile, SaysEverythingTheFlagsSay) {
  const JobSpec spec = ParseJobFile(kWhole, "job.toml", {}).value();
  EXPECT_EQ(spec.name, "my-job");
  EXPECT_EQ(spec.base_directory, "/data/job");
  EXPECT_EQ(spec.output_uri, "s3://results/jobs");
  EXPECT_THAT(spec.command, ElementsAre("python3", "train.py"));
  EXPECT_THAT(spec.hosts, ElementsAre("a", "b"));
  EXPECT_EQ(spec.current_host, "b");
  ASSERT_EQ(spec.channels.size(), 2U);
  EXPECT_EQ(spec.channels[0].name, "test");
  EXPECT_EQ(spec.channels[0].mode, InputMode::kPipe);
  EXPECT_EQ(spec.channels[0].shuffle_seed, 4);
  EXPECT_EQ(spec.channels[1].s3_uri, "s3://bucket/a,b=c");
  EXPECT_EQ(spec.channels[1].distribution, Distribution::kShardedByS3Key);
  EXPECT_EQ(spec.environment.at("PYTHONUNBUFFERED"), "1");
}

TEST(JobFile, TurnsHyperparametersIntoStrings) {
  const auto values = ParseJobFile(kWhole, "job.toml", {}).value().hyperparameters;
  EXPECT_EQ(values.at("epochs"), "20");
  EXPECT_EQ(values.at("lr"), "0.1");
  EXPECT_EQ(values.at("name"), "abc");
  EXPECT_EQ(values.at("flag"), "true");
  EXPECT_EQ(values.at("list"), R"([1,"x",{"a":2}])");
}

TEST(JobFile, NamesTheLineOfAMistake) {
  EXPECT_THAT(Refusal("name = \"a\"\nchanels = 1\n"),
              HasSubstr("job.toml:2: 'chanels' is no setting"));
  EXPECT_THAT(Refusal("name = 3"), HasSubstr("job.toml:1: 'name' must be a string"));
  EXPECT_THAT(Refusal("[channels.a]\nuri = \"s3://b\"\nmode = \"file\"\n"),
              HasSubstr("job.toml:3: mode is 'file'"));
  EXPECT_THAT(Refusal("command = \"python3 x\""), HasSubstr("list of strings"));
  EXPECT_THAT(Refusal("[hyperparameters]\nday = 2026-01-01\n"), HasSubstr("quote it"));
  EXPECT_THAT(Refusal("\n\nname = \n"), HasSubstr("job.toml:3: "));
}

TEST(JobFlags, WinOverTheFile) {
  const JobSpec file = ParseJobFile(kWhole, "job.toml", {}).value();
  const JobSpec spec = ApplyFlags({.channels = {"train=s3://other/p", "new=s3://b/n"},
                                   .hyperparameters = {"lr=0.2", "text=a=b"},
                                   .environment = {"A=1"},
                                   .job_name = "other",
                                   .command = {"true"}},
                                  file)
                           .value();
  EXPECT_EQ(spec.name, "other");
  EXPECT_EQ(spec.base_directory, "/data/job");
  EXPECT_THAT(spec.command, ElementsAre("true"));
  ASSERT_EQ(spec.channels.size(), 3U);
  EXPECT_EQ(spec.channels[1].s3_uri, "s3://other/p");
  EXPECT_EQ(spec.channels[1].distribution, Distribution::kFullyReplicated);
  EXPECT_EQ(spec.channels[2].name, "new");
  EXPECT_EQ(spec.hyperparameters.at("lr"), "0.2");
  EXPECT_EQ(spec.hyperparameters.at("text"), "a=b");
  EXPECT_EQ(spec.hyperparameters.at("epochs"), "20");
}

TEST(JobFlags, RefuseANameGivenTwice) {
  EXPECT_FALSE(ApplyFlags({.channels = {"a=s3://b", "a=s3://c"}}, {}).has_value());
  EXPECT_FALSE(ApplyFlags({.hyperparameters = {"a=1", "a=2"}}, {}).has_value());
  EXPECT_FALSE(ApplyFlags({.environment = {"A=1", "A=1"}}, {}).has_value());
}

TEST(JobFlags, ResumeTheNamedChannelOrTheOnlyPipe) {
  const std::vector<std::string> one = {"a=s3://b", "p=s3://b,mode=Pipe"};
  const std::vector<std::string> two = {"p=s3://b,mode=Pipe", "q=s3://b,mode=Pipe"};
  const plan::ResumePoint point{.epoch = 3, .position = 1200};
  EXPECT_EQ(ApplyFlags({.channels = one, .resume = {"3:1200"}}, {})->channels[1].resume, point);
  EXPECT_EQ(ApplyFlags({.channels = two, .resume = {"q=3:1200"}}, {})->channels[1].resume, point);
  EXPECT_THAT(ApplyFlags({.channels = two, .resume = {"3:1200"}}, {}).error().message(),
              HasSubstr("which of the 2 Pipe channels"));
  EXPECT_THAT(ApplyFlags({.channels = two, .resume = {"r=3:1200"}}, {}).error().message(),
              HasSubstr("no such channel"));
  EXPECT_THAT(ApplyFlags({.channels = {"a=s3://b"}, .resume = {"3:1"}}, {}).error().message(),
              HasSubstr("no Pipe channel"));
  EXPECT_FALSE(ApplyFlags({.channels = one, .resume = {"3"}}, {}).has_value());
}

TEST(DefaultJobName, SaysWhatRunsAndWhen) {
  const SystemTime now{std::chrono::milliseconds(1'769'860'800'042)};
  EXPECT_EQ(DefaultJobName({"/usr/bin/python3", "-u", "src/my_train.py"}, now),
            "my-train-py-2026-01-31-12-00-00-042");
  EXPECT_EQ(DefaultJobName({"./_"}, now), "job-2026-01-31-12-00-00-042");
  EXPECT_EQ(DefaultJobName({std::string(80, 'x')}, now).size(), 63U);
}

TEST(ParseJobFile, ReadsCheckpointOutputCompressionAndRuntime) {
  const auto spec = ParseJobFile(R"(
output-compression = "NONE"
max-runtime = "2h"
[checkpoint]
uri = "s3://bucket/ckpt"
folder = "/data/ckpt"
delete = true
)",
                                 "job.toml", {});
  ASSERT_TRUE(spec.has_value()) << spec.error().message();
  EXPECT_EQ(spec->output_compression, Compression::kNone);
  EXPECT_EQ(spec->max_runtime, std::chrono::hours(2));
  EXPECT_EQ(
      spec->checkpoint,
      (CheckpointSpec{.s3_uri = "s3://bucket/ckpt", .folder = "/data/ckpt", .deletes = true}));
}

TEST(ParseJobFile, NamesTheLineOfAWrongSetting) {
  const auto refusal = [](std::string_view text) {
    return ParseJobFile(text, "job.toml", {}).error().message();
  };
  EXPECT_THAT(refusal("\nmax-runtime = \"soon\""), HasSubstr("job.toml:2: 'max-runtime'"));
  EXPECT_THAT(refusal("max-runtime = 5"), HasSubstr("must be a string"));
  EXPECT_THAT(refusal("output-compression = \"zip\""), HasSubstr("GZIP or NONE"));
  EXPECT_THAT(refusal("[checkpoint]\ndelete = 1"), HasSubstr("job.toml:2: 'delete'"));
  EXPECT_THAT(refusal("[checkpoint]\npath = 1"), HasSubstr("'path' is no setting"));
  EXPECT_THAT(refusal("checkpoint = 1"), HasSubstr("'checkpoint' must be a table"));
  for (const char* text : {"\n[[[a]]]", "\n[[=", "\n[.a]", "#\n[#"}) {
    EXPECT_THAT(refusal(text), HasSubstr("job.toml:2: ")) << text;
  }
}

TEST(ParseJobFile, ALineOfATextMayLookLikeATable) {
  const auto spec =
      ParseJobFile("[environment]\nTEST = \"\"\"\n[[ $X == 1 ]]\"\"\"", "job.toml", {});
  ASSERT_TRUE(spec.has_value());
  EXPECT_EQ(spec->environment.at("TEST"), "[[ $X == 1 ]]");
}

TEST(ApplyFlags, PutsTheCheckpointOfTheFlagsOverTheFiles) {
  JobSpec spec;
  spec.checkpoint = {.s3_uri = "s3://file/x", .folder = "/f", .deletes = true};
  const auto changed = ApplyFlags({.checkpoint = "s3://flag/y", .max_runtime = "90s"}, spec);
  ASSERT_TRUE(changed.has_value());
  EXPECT_EQ(changed->checkpoint, (CheckpointSpec{.s3_uri = "s3://flag/y", .deletes = true}));
  EXPECT_EQ(changed->max_runtime, std::chrono::seconds(90));
  EXPECT_FALSE(ApplyFlags({.max_runtime = "never"}, spec).has_value());
}

}  // namespace
}  // namespace headrace::job
