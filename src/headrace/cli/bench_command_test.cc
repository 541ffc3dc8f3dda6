// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/cli/command.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/manual_clock.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::cli {
namespace {

using headrace::testing::IsOk;
using ::testing::HasSubstr;
using ::testing::Not;

// Runs `headrace bench` against a store in memory whose bucket "bkt" holds objects_.
class BenchCommandTest : public ::testing::Test {
 protected:
  int Run(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "bench");
    std::FILE* out = std::tmpfile();
    std::FILE* err = std::tmpfile();
    CommandWorld world;
    world.out = out;
    world.err = err;
    world.open_store = [this](const s3::S3Settings&) -> Result<std::unique_ptr<ObjectStore>> {
      std::unique_ptr<ObjectStore> store = std::make_unique<MemoryStore>(clock_);
      headrace::testing::BlockingStore blocking(*store);
      EXPECT_THAT(blocking.CreateBucket("bkt"), IsOk());
      for (const auto& [key, text] : objects_) {
        EXPECT_THAT(blocking.Put("bkt", key, text), IsOk());
      }
      return store;
    };
    const ExitCode code = RunCommandLine(arguments, std::move(world));
    out_ = TextOf(out);
    err_ = TextOf(err);
    return static_cast<int>(code);
  }
  static std::string TextOf(std::FILE* stream) {
    std::rewind(stream);
    std::string text;
    for (int c = std::fgetc(stream); c != EOF; c = std::fgetc(stream)) {
      text += static_cast<char>(c);
    }
    std::fclose(stream);
    return text;
  }
  std::string Path(const std::string& name) const { return folder_.Path(name); }
  std::string FileText(const std::string& name) const { return folder_.Read(name); }
  void GivenFile(const std::string& name, const std::string& text) { folder_.Write(name, text); }

  headrace::testing::TempDir folder_;
  headrace::testing::ManualClock clock_{SystemTime(std::chrono::seconds(1'767'225'600))};
  std::map<std::string, std::string> objects_;
  std::string out_;
  std::string err_;
};

TEST_F(BenchCommandTest, ReadsEverySampleAndTellsTheSameDigestInAnyOrder) {
  for (int index = 0; index < 70; ++index) {
    objects_["train/" + std::to_string(index)] = std::string(1000, static_cast<char>(index));
  }
  ASSERT_EQ(Run({"s3://bkt/train/", "--json", "--hash", "--html", Path("bench.html")}), 0);
  EXPECT_THAT(out_, HasSubstr("\"samples\":70,"));
  EXPECT_THAT(out_, HasSubstr("\"bytes\":70000,"));
  EXPECT_THAT(FileText("bench.html"), HasSubstr("</html>"));
  const std::string digest = out_.substr(out_.find("\"digest\""));
  ASSERT_EQ(Run({"s3://bkt/train/", "--json", "--hash", "--shuffle"}), 0);
  EXPECT_THAT(out_, HasSubstr(digest));
  objects_["train/7"] = std::string(1000, 'x');
  ASSERT_EQ(Run({"s3://bkt/train/", "--json", "--hash"}), 0);
  EXPECT_THAT(out_, Not(HasSubstr(digest)));
}

TEST_F(BenchCommandTest, ReadsWhatASavedListingNames) {
  objects_ = {{"a", "12345"}, {"b", "123"}, {"c", "1"}};
  GivenFile("listing.jsonl",
            "{\"key\":\"a\",\"size_bytes\":5}\n{\"key\":\"b\",\"size_bytes\":3}\n");
  ASSERT_EQ(Run({"s3://bkt", "--listing", Path("listing.jsonl"), "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"samples\":2,"));
  EXPECT_THAT(out_, HasSubstr("\"bytes\":8,"));
}

TEST_F(BenchCommandTest, ReadsWhatAManifestNames) {
  objects_ = {{"x/a", "12345"}, {"x/b", "123"}, {"c", "1"}};
  objects_["m.json"] = R"([{"prefix": "s3://bkt/x/"}, "a", "b"])";
  ASSERT_EQ(Run({"s3://bkt/m.json", "--manifest", "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"samples\":2,"));
  EXPECT_THAT(out_, HasSubstr("\"bytes\":8,"));
}

TEST_F(BenchCommandTest, ReadsAsManyRangesAsAsked) {
  objects_ = {{"a", std::string(20'000, 'a')}};
  ASSERT_EQ(Run({"s3://bkt", "--range-size", "4KiB", "--reads", "9", "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"samples\":9,"));
  EXPECT_THAT(out_, HasSubstr("\"bytes\":36864,"));
}

TEST_F(BenchCommandTest, InFileModeLeavesFilesWhereItWasAskedTo) {
  objects_ = {{"x/a", "12345"}};
  ASSERT_EQ(Run({"s3://bkt", "--mode", "file", "--target", Path("out")}), 0);
  EXPECT_EQ(FileText("out/x/a"), "12345");
  EXPECT_THAT(out_, HasSubstr("throughput"));
}

TEST_F(BenchCommandTest, InFileModeTellsStepTimes) {
  for (int index = 0; index < 8; ++index) objects_[std::to_string(index)] = "12345";
  ASSERT_EQ(Run({"s3://bkt", "--mode", "file", "--batch-size", "2", "--json"}), 0);
  EXPECT_THAT(out_, HasSubstr("\"samples\":8,"));
  EXPECT_THAT(out_, HasSubstr("\"bytes\":40,"));
  EXPECT_THAT(out_, HasSubstr("\"steps\":{\"count\":4,"));
}

// A step of more samples than fit: what has arrived is let go of in time.
TEST_F(BenchCommandTest, EndsWithLittleMemory) {
  for (const char* key : {"a", "b"}) objects_[key] = std::string(20 << 20, *key);
  for (const char* memory : {"16MiB", "1MiB"}) {
    ASSERT_EQ(Run({"s3://bkt", "--memory", memory, "--json"}), 0) << err_;
    EXPECT_THAT(out_, HasSubstr("\"samples\":2,"));
  }
  // Each takes a page of memory, however small it is.
  objects_.clear();
  for (int index = 0; index < 600; ++index) objects_[std::to_string(index)] = "x";
  ASSERT_EQ(Run({"s3://bkt", "--memory", "1MiB", "--batch-size", "600", "--json"}), 0) << err_;
  EXPECT_THAT(out_, HasSubstr("\"samples\":600,"));
}

TEST_F(BenchCommandTest, TellsWhatWasRetried) {
  objects_ = {{"a", "12345"}};
  ASSERT_EQ(Run({"s3://bkt"}), 0);
  EXPECT_THAT(out_, HasSubstr("headrace_s3_tries_total"));
}

TEST_F(BenchCommandTest, SaysWhatFailed) {
  objects_ = {{"a", "12345"}};
  GivenFile("listing.jsonl",
            "{\"key\":\"a\",\"size_bytes\":5}\n{\"key\":\"gone\",\"size_bytes\":5}\n");
  EXPECT_EQ(Run({"s3://bkt", "--listing", Path("listing.jsonl")}), 5);
  EXPECT_THAT(err_, HasSubstr("1 of 2 samples failed"));
  EXPECT_THAT(err_, HasSubstr("gone"));
  EXPECT_EQ(Run({"s3://bkt/nothing"}), 3);
}

TEST_F(BenchCommandTest, RefusesOptionsThatDoNotGoTogether) {
  EXPECT_EQ(Run({"s3://bkt", "--target", Path("out")}), 2);
  EXPECT_EQ(Run({"s3://bkt", "--mode", "file", "--range-size", "1KiB"}), 2);
  EXPECT_EQ(Run({"s3://bkt", "--mode", "file", "--hash"}), 2);
}

}  // namespace
}  // namespace headrace::cli
