// SPDX-License-Identifier: Apache-2.0
// Jobs whose channel is an augmented manifest.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/job/channel_options.h"
#include "headrace/job/run_job.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;
using headrace::testing::BlockingStore;
using headrace::testing::IsOk;
using headrace::testing::TempDir;
using ::testing::HasSubstr;

class AugmentedJobTest : public ::testing::Test {
 protected:
  AugmentedJobTest() {
    EXPECT_THAT(store_.CreateBucket("data"), IsOk());
    EXPECT_THAT(store_.CreateBucket("more"), IsOk());
    spec_.name = "j1";
    spec_.base_directory = base_.string();
    spec_.command = {"true"};
    world_.store = &memory_;
    world_.loops = &loops_;
    world_.signals = &signals_;
    world_.inherited.Set("PATH", "/usr/bin:/bin");
  }

  void GivenObject(const std::string& bucket, const std::string& key, const std::string& text) {
    ASSERT_THAT(store_.Put(bucket, key, text), IsOk());
  }
  void GivenManifest(const std::string& text, const std::string& options) {
    GivenObject("data", "m.jsonl", text);
    spec_.channels = {
        ParseChannel("train=s3://data/m.jsonl,data-type=AugmentedManifestFile," + options).value()};
  }
  std::string Run() {
    result_ = RunJob(spec_, options_, world_);
    return result_.error ? result_.error->message() : "";
  }
  std::string Read(const std::string& name) const { return base_.Read("input/data/train/" + name); }

  TempDir base_;
  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{2};
  SignalInbox signals_ = SignalInbox::Make().value();
  JobSpec spec_;
  JobOptions options_;
  JobWorld world_;
  JobResult result_;
};

TEST_F(AugmentedJobTest, GivesObjectsAsFilesAndAManifestThatLeadsToThem) {
  GivenObject("data", "img/1.jpg", "one");
  GivenObject("more", "img/2.jpg", "two");
  GivenManifest(R"({"x": 1, "class": [1, 0], "source-ref": "s3://data/img/1.jpg"}
{"source-ref": "s3://more/img/2.jpg", "class": "cat"}
{"source-ref": "s3://data/img/1.jpg", "class": null})",
                "attributes=source-ref,class");
  ASSERT_EQ(Run(), "");
  EXPECT_EQ(Read("manifest.jsonl"),
            R"({"source-ref":"objects/data/img/1.jpg","class":[1, 0]}
{"source-ref":"objects/more/img/2.jpg","class":"cat"}
{"source-ref":"objects/data/img/1.jpg","class":null}
)");
  EXPECT_EQ(Read("objects/data/img/1.jpg"), "one");
  EXPECT_EQ(Read("objects/more/img/2.jpg"), "two");
  // Again, with everything there.
  ASSERT_EQ(Run(), "");
  ASSERT_EQ(result_.report.channels.size(), 2U);
  EXPECT_EQ(result_.report.channels[0].name, "train (data)");
  EXPECT_EQ(result_.report.channels[0].counts.objects_kept, 1U);
}

TEST_F(AugmentedJobTest, RemovesWhatAKilledRunLeft) {
  const std::string piece = "input/data/train/.manifest.jsonl.0123456789ab.headrace-part";
  base_.Write(piece, "half");
  GivenManifest("{\"class\":0}\n", "attributes=class");
  EXPECT_EQ(Run(), "");
  EXPECT_FALSE(base_.Has(piece));
  EXPECT_EQ(Read("manifest.jsonl"), "{\"class\":0}\n");
}

TEST_F(AugmentedJobTest, SharesTheLinesOutAmongRanks) {
  std::string lines;
  for (int i = 0; i < 20; ++i) {
    GivenObject("data", fmt::format("o/{}", i), "x");
    lines += fmt::format("{{\"x-ref\": \"s3://data/o/{}\"}}\n", i);
  }
  GivenManifest(lines, "attributes=x-ref,distribution=ShardedByS3Key,shuffle-seed=3");
  std::multiset<std::string> all;
  for (uint64_t rank = 0; rank < 3; ++rank) {
    spec_.rank = {.index = rank, .count = 3};
    spec_.base_directory = base_.Path(fmt::format("job-{}", rank));
    ASSERT_EQ(Run(), "");
    const std::string folder = spec_.base_directory + "/input/data/train/objects/data/o";
    for (const auto& file : fs::directory_iterator(folder)) {
      all.insert(file.path().filename().string());
    }
  }
  EXPECT_EQ(all.size(), 20U);
  EXPECT_EQ(std::set<std::string>(all.begin(), all.end()).size(), 20U);
}

TEST_F(AugmentedJobTest, FindsMistakesBeforeTheCommand) {
  GivenObject("data", "a", "x");
  spec_.command = {"touch", base_.Path("started")};
  const std::map<std::string, std::string> mistakes{
      {"{'a-ref': 's3://data/a'}", "line 1: column 2: not JSON; JSON needs double quotes"},
      {"{\"a-ref\": \"s3://data/a\"}\n{\"a-ref\": \"s3://data/a\",}",
       "line 2: column 25: not JSON"},
      {"{\"A-ref\": \"s3://data/a\"}", "line 1: attribute 'a-ref' is not there"},
      {"{\"a-ref\": \"https://data/a\"}", "line 1: attribute 'a-ref' must be the URI of an object"},
      {"{\"a-ref\": \"s3://data/gone\"}", "line 1: no object s3://data/gone"},
      {"\n\n", "it is empty"},
      {"[{\"prefix\": \"s3://data/\"}, \"a\"]", "data-type=ManifestFile"},
  };
  for (const auto& [text, message] : mistakes) {
    GivenManifest(text, "attributes=a-ref");
    EXPECT_THAT(Run(), HasSubstr(message)) << text;
  }
  EXPECT_FALSE(base_.Has("started"));
  EXPECT_FALSE(base_.Has("input/data/train/manifest.jsonl"));
}

TEST_F(AugmentedJobTest, RefusesObjectsThatAreFileAndFolderAndFilesOfSomebodyElse) {
  GivenObject("data", "a", "x");
  GivenObject("data", "a/b", "x");
  GivenManifest("{\"x-ref\": \"s3://data/a\"}\n{\"x-ref\": \"s3://data/a/b\"}\n",
                "attributes=x-ref");
  EXPECT_THAT(Run(), HasSubstr("a/b"));
  GivenManifest("{\"x-ref\": \"s3://data/a\"}\n", "attributes=x-ref");
  base_.Write("input/data/train/stranger", "x");
  EXPECT_THAT(Run(), HasSubstr("train/stranger is not of this manifest"));
}

TEST_F(AugmentedJobTest, ACheckLooksAtEveryLineAndDownloadsNothing) {
  options_.augmented.lines_parsed_first = 1;
  options_.augmented.lines_sampled = 1;
  GivenObject("data", "a", "x");
  spec_.command = {"touch", base_.Path("started")};
  GivenManifest("{\"x-ref\": \"s3://data/a\"}\n{\"x-ref\": \"s3://data/gone\"}\n",
                "attributes=x-ref,distribution=ShardedByS3Key");
  spec_.rank = {.index = 0, .count = 2};
  options_.checks_only = true;
  EXPECT_THAT(Run(), HasSubstr("line 2: no object s3://data/gone"));
  options_.checks_only = false;
  EXPECT_EQ(Run(), "");
  EXPECT_TRUE(base_.Has("started"));
  fs::remove(base_.path() / "started");
  fs::remove_all(base_.path() / "input");
  GivenObject("data", "gone", "x");
  options_.checks_only = true;
  EXPECT_EQ(Run(), "");
  EXPECT_FALSE(base_.Has("started"));
  EXPECT_FALSE(base_.Has("input/data/train/objects/data/a"));
}

}  // namespace
}  // namespace headrace::job
