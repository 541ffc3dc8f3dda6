// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/manifest_objects.h"

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/clock.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"

namespace headrace::plan {
namespace {

using ::headrace::testing::HasCode;
using ::headrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ManifestObjectsTest : public ::testing::Test {
 protected:
  ManifestObjectsTest() {
    EXPECT_THAT(blocking_.CreateBucket("box"), IsOk());
    for (int i = 0; i < 20; ++i) {
      EXPECT_THAT(blocking_.Put("box", fmt::format("data/{:02}", i), std::string(i, 'x')), IsOk());
    }
  }
  Result<Listing> Objects(const std::vector<std::string>& names, const ManifestOptions& options) {
    std::string text = R"([{"prefix": "s3://box/data/"})";
    for (const std::string& name : names) text += fmt::format(", \"{}\"", name);
    EXPECT_THAT(blocking_.Put("box", "manifest", text + "]"), IsOk());
    HR_TRY_ASSIGN(const Manifest manifest, ReadManifest(store_, loops_, kUri, options, {}));
    return ListManifest(store_, loops_, manifest, options, {});
  }

  Result<ManifestListing> InOrder(const std::vector<std::string>& names,
                                  const ManifestOptions& options) {
    std::string text = R"([{"prefix": "s3://box/data/"})";
    for (const std::string& name : names) text += fmt::format(", \"{}\"", name);
    HR_TRY_ASSIGN(const Manifest manifest, ParseManifest(text + "]"));
    return ListManifestInOrder(store_, loops_, manifest, options, {});
  }

  const S3Uri kUri{.bucket = "box", .key = "manifest"};
  MemoryStore store_{RealClock()};
  headrace::testing::BlockingStore blocking_{store_};
  EventLoops loops_{2};
  // Looking up each entry, and listing what they have in common.
  std::vector<ManifestOptions> both_ways_{{.lookup_count_max = 100}, {.lookup_count_max = 0}};
};

TEST_F(ManifestObjectsTest, FindsSizesOfTheNamedObjectsOnly) {
  for (const ManifestOptions& options : both_ways_) {
    const auto listing = Objects({"17", "03", "12"}, options);
    ASSERT_THAT(listing, IsOk());
    std::vector<std::string> seen;
    for (const ListedObject& object : *listing) {
      seen.push_back(fmt::format("{} {}", object.key, object.size_bytes));
    }
    EXPECT_THAT(seen, ElementsAre("data/03 3", "data/12 12", "data/17 17"));
    EXPECT_FALSE(listing->EtagAt(0).empty());
  }
}

TEST_F(ManifestObjectsTest, NamesTheEntryWithoutAnObject) {
  for (const ManifestOptions& options : both_ways_) {
    const auto listing = Objects({"17", "gone"}, options);
    ASSERT_THAT(listing, HasCode(ErrorCode::kNotFound));
    EXPECT_THAT(listing.error().message(),
                HasSubstr("entry 2 of the manifest: no object s3://box/data/gone"));
  }
}

TEST_F(ManifestObjectsTest, RefusesANameTwiceWhereFilesAreMade) {
  for (const ManifestOptions& options : both_ways_) {
    const auto listing = Objects({"17", "03", "17"}, options);
    ASSERT_THAT(listing, HasCode(ErrorCode::kInvalidArgument));
    EXPECT_THAT(listing.error().message(), HasSubstr("data/17"));
  }
}

TEST_F(ManifestObjectsTest, KeepsTheOrderAndTheRepeatsWhereObjectsAreStreamed) {
  for (const ManifestOptions& options : both_ways_) {
    const auto found = InOrder({"17", "03", "17", "12"}, options);
    ASSERT_THAT(found, IsOk());
    EXPECT_EQ(found->listing.size(), 3U);
    std::vector<std::string> keys;
    for (const uint32_t place : found->order) keys.emplace_back(found->listing.KeyAt(place));
    EXPECT_THAT(keys, ElementsAre("data/17", "data/03", "data/17", "data/12"));
    EXPECT_THAT(InOrder({"17", "gone"}, options), HasCode(ErrorCode::kNotFound));
  }
}

TEST_F(ManifestObjectsTest, NamesTheManifestThatCannotBeRead) {
  const S3Uri none{.bucket = "box", .key = "none"};
  const auto missing = ReadManifest(store_, loops_, none, {}, {});
  ASSERT_THAT(missing, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(missing.error().message(), HasSubstr("manifest s3://box/none"));
  ASSERT_THAT(blocking_.Put("box", "manifest", "[{'prefix'}]"), IsOk());
  const auto broken = ReadManifest(store_, loops_, kUri, {}, {});
  ASSERT_THAT(broken, HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(broken.error().message(), HasSubstr("manifest s3://box/manifest: the first element"));
  const auto large = ReadManifest(store_, loops_, kUri, {.size_bytes_max = 3}, {});
  EXPECT_THAT(large, HasCode(ErrorCode::kResourceExhausted));
}

}  // namespace
}  // namespace headrace::plan
