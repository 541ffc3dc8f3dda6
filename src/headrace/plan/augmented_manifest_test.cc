// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/augmented_manifest.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::plan {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::IsOk;
using headrace::testing::TempDir;
using ::testing::AllOf;
using ::testing::HasSubstr;

class AugmentedManifestTest : public ::testing::Test {
 protected:
  AugmentedManifestTest() { EXPECT_THAT(store_.CreateBucket("bbb"), IsOk()); }

  Result<AugmentedManifest> Read(const std::string& text) {
    EXPECT_THAT(store_.Put("bbb", "m.jsonl", text), IsOk());
    return AugmentedManifest::Read(memory_, loops_, {.bucket = "bbb", .key = "m.jsonl"},
                                   folder_.string(), options_, {});
  }

  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{1};
  TempDir folder_;
  AugmentedManifestOptions options_;
};

TEST_F(AugmentedManifestTest, FindsAnyLineWithItsNumberHoweverItIsRead) {
  const std::string text = "\xEF\xBB\xBF{\"a\": 1}\r\n\n\n{\"a\": \"two\"}\n{\"a\": [3]}";
  for (const uint64_t piece_bytes : {1U, 3U, 7U, 1000U}) {
    options_.piece_bytes = piece_bytes;
    const auto manifest = Read(text);
    ASSERT_THAT(manifest, IsOk());
    ASSERT_EQ(manifest->size(), 3U);
    AugmentedLineParser parser({"a"});
    EXPECT_EQ(manifest->ValuesAt(2, parser).value()[0].text, "[3]");
    EXPECT_EQ(manifest->ValuesAt(0, parser).value()[0].text, "1");
    EXPECT_EQ(manifest->LineAt(1).value(), R"({"a": "two"})");
    EXPECT_EQ(manifest->NumberOf(1), 4U);
    EXPECT_EQ(manifest->NumberOf(2), 5U);
  }
}

TEST_F(AugmentedManifestTest, LeavesNothingInItsFolder) {
  const auto manifest = Read("{}\n");
  ASSERT_THAT(manifest, IsOk());
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

TEST_F(AugmentedManifestTest, NamesTheLineOfAMistake) {
  const auto manifest = Read("{\"a\": 1}\n\n{\"a\": 1,}\n").value();
  AugmentedLineParser parser({"a"});
  const auto values = manifest.ValuesAt(1, parser);
  ASSERT_FALSE(values.has_value());
  EXPECT_THAT(values.error().message(),
              AllOf(HasSubstr("line 3: column 9: not JSON"), HasSubstr("comma too many")));
}

TEST_F(AugmentedManifestTest, RefusesWhatIsEmptyTooLargeOrOneLongLine) {
  EXPECT_THAT(Read("\n\r\n").error().message(),
              HasSubstr("augmented manifest s3://bbb/m.jsonl: it is empty"));
  EXPECT_THAT(Read("").error().message(), HasSubstr("it is empty"));
  options_.lines.line_bytes_max = 10;
  EXPECT_THAT(Read("{}\n{\"a\": 12345}\n").error().message(),
              HasSubstr("m.jsonl: line 2: it is longer than 10 bytes"));
  options_.size_bytes_max = 10;
  EXPECT_THAT(Read("{\"a\": 12345}\n").error().message(), HasSubstr("above the limit of 10"));
}

TEST_F(AugmentedManifestTest, SaysThatAUtf16ManifestIsOne) {
  const auto manifest = Read(std::string("\xFF\xFE{\0\"\0\n\0", 8)).value();
  AugmentedLineParser parser({"a"});
  EXPECT_THAT(manifest.ValuesAt(0, parser).error().message(), HasSubstr("line 1: it is UTF-16"));
}

TEST_F(AugmentedManifestTest, NamesAManifestThatIsNotThere) {
  const auto manifest = AugmentedManifest::Read(memory_, loops_, {.bucket = "bbb", .key = "none"},
                                                folder_.string(), options_, {});
  ASSERT_FALSE(manifest.has_value());
  EXPECT_EQ(manifest.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(manifest.error().message(), HasSubstr("s3://bbb/none"));
}

}  // namespace
}  // namespace headrace::plan
