// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/augmented_items.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/plan/epoch_plan.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::IsOk;
using headrace::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class AugmentedItemsTest : public ::testing::Test {
 protected:
  AugmentedItemsTest() { EXPECT_THAT(store_.CreateBucket("bbb"), IsOk()); }

  void GivenObject(const std::string& key, const std::string& text) {
    ASSERT_THAT(store_.Put("bbb", key, text), IsOk());
  }
  plan::AugmentedManifest Manifest(const std::string& text) {
    EXPECT_THAT(store_.Put("bbb", "m.jsonl", text), IsOk());
    return plan::AugmentedManifest::Read(memory_, loops_, {.bucket = "bbb", .key = "m.jsonl"},
                                         folder_.string(), options_, {})
        .value();
  }
  // Lines whose object is named and sized after their number, of which `missing` have none.
  std::string Lines(int count, const std::set<int>& missing = {}) {
    std::string text;
    for (int i = 0; i < count; ++i) {
      text += fmt::format("{{\"x-ref\": \"s3://bbb/{}\", \"y\": {}}}\n", i, i);
      if (!missing.contains(i)) GivenObject(fmt::format("{}", i), std::string(i, 'x'));
    }
    return text;
  }
  // "key:size" for objects, the text for the rest; a mistake ends the list.
  std::vector<std::string> Delivered(const plan::AugmentedManifest& manifest,
                                     std::vector<std::string> names, LineOrder order) {
    AugmentedItems items(manifest, plan::AugmentedLineParser(std::move(names)), std::move(order),
                         memory_, loops_, {});
    std::vector<std::string> shown;
    while (true) {
      const auto item = items.Next();
      if (!item) {
        shown.push_back(item.error().message());
        return shown;
      }
      if (!item->has_value()) return shown;
      const AugmentedItem& given = **item;
      shown.push_back(given.read
                          ? fmt::format("{}:{}", given.read->key, given.read->range.size_bytes())
                          : given.text);
    }
  }
  static LineOrder InOrder(uint64_t count) {
    return [count, next = uint64_t{0}]() mutable -> std::optional<uint64_t> {
      if (next == count) return std::nullopt;
      return next++;
    };
  }
  Status Check(const plan::AugmentedManifest& manifest, bool checks_all) {
    options_.checks_all = checks_all;
    return CheckAugmentedManifest(manifest, {"x-ref", "y"}, options_, memory_, loops_, {});
  }

  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{2};
  TempDir folder_;
  plan::AugmentedManifestOptions options_;
};

TEST_F(AugmentedItemsTest, GivesLineByLineTheAttributesInTheOrderOfTheirNames) {
  const auto manifest = Manifest(Lines(3));
  EXPECT_THAT(Delivered(manifest, {"x-ref", "y"}, InOrder(3)),
              ElementsAre("0:0", "0", "1:1", "1", "2:2", "2"));
  EXPECT_THAT(Delivered(manifest, {"y", "x-ref"}, InOrder(2)), ElementsAre("0", "0:0", "1", "1:1"));
}

TEST_F(AugmentedItemsTest, GivesEveryLineOnceOverAllRanksInAShuffledOrder) {
  constexpr uint64_t kLines = 600;  // More than are looked up at once.
  const auto manifest = Manifest(Lines(kLines));
  std::vector<std::string> all;
  for (uint64_t rank = 0; rank < 3; ++rank) {
    const plan::EpochPlan plan(
        manifest.size(), {.distribution = plan::Distribution::kShardedByS3Key, .shuffle_seed = 7},
        {.index = rank, .count = 3}, {.epoch = 2});
    auto order = [&plan, next = uint64_t{0}]() mutable -> std::optional<uint64_t> {
      if (next == plan.size()) return std::nullopt;
      return plan.ObjectAt(next++);
    };
    const auto share = Delivered(manifest, {"y"}, std::move(order));
    EXPECT_EQ(share.size(), kLines / 3);
    EXPECT_FALSE(std::ranges::is_sorted(share));
    all.insert(all.end(), share.begin(), share.end());
  }
  std::ranges::sort(all);
  EXPECT_TRUE(std::ranges::unique(all).empty());
  EXPECT_EQ(all.size(), kLines);
}

TEST_F(AugmentedItemsTest, GivesWhatStandsBeforeAMistakeAndNamesItsLine) {
  GivenObject("0", "abc");
  const auto manifest = Manifest("{\"x-ref\": \"s3://bbb/0\"}\n\n{\"x-ref\": \"s3://bbb/1\"}\n");
  EXPECT_THAT(Delivered(manifest, {"x-ref"}, InOrder(2)),
              ElementsAre("0:3", "line 3: no object s3://bbb/1"));
}

TEST_F(AugmentedItemsTest, TakesItsLookupsAlongWhenItIsDropped) {
  const auto manifest = Manifest(Lines(50));
  FaultyStore slow(memory_);
  // The second line's is never answered.
  slow.Add({.operation = StoreOperation::kHead, .key = "1", .gate = std::make_shared<Gate>()});
  AugmentedItems items(manifest, plan::AugmentedLineParser({"x-ref"}), InOrder(50), slow, loops_,
                       {});
  EXPECT_THAT(items.Next(), IsOk());
}

TEST_F(AugmentedItemsTest, ChecksTheFirstLinesAndASampleOfObjectsOrAll) {
  options_.lines_parsed_first = 5;
  options_.lines_sampled = 3;
  EXPECT_THAT(Check(Manifest(Lines(21)), false), IsOk());
  // The sample is the first line, the one halfway and the last.
  for (const int gone : {0, 10, 20}) {
    ASSERT_THAT(store_.Delete("bbb", fmt::format("{}", gone)), IsOk());
    EXPECT_THAT(Check(Manifest(Lines(21, {gone})), false).error().message(),
                HasSubstr(fmt::format("line {}: no object s3://bbb/{}", gone + 1, gone)));
    GivenObject(fmt::format("{}", gone), "");
  }
  ASSERT_THAT(store_.Delete("bbb", "7"), IsOk());
  const auto lacks_one = Manifest(Lines(21, {7}));
  EXPECT_THAT(Check(lacks_one, false), IsOk());
  EXPECT_THAT(Check(lacks_one, true).error().message(), HasSubstr("line 8: no object s3://bbb/7"));
}

TEST_F(AugmentedItemsTest, FindsALineOutsideTheFirstOnlyWhenAllAreChecked) {
  options_.lines_parsed_first = 2;
  options_.lines_sampled = 1;
  const auto manifest = Manifest(Lines(3) + "{'x-ref': 1}\n");
  EXPECT_THAT(Check(manifest, false), IsOk());
  EXPECT_THAT(Check(manifest, true).error().message(), HasSubstr("line 4: column 2: not JSON"));
  options_.lines_parsed_first = 4;
  EXPECT_THAT(Check(manifest, false).error().message(), HasSubstr("JSON needs double quotes"));
}

}  // namespace
}  // namespace headrace::job
