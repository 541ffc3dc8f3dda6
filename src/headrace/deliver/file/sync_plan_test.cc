// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/sync_plan.h"

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::file {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

Entry EntryOf(std::string path, uint64_t size_bytes = 1, milliseconds modified = seconds(100)) {
  return {.path = std::move(path), .size_bytes = size_bytes, .modified = SystemTime(modified)};
}

ItemSource<Entry> SourceOf(std::vector<Entry> entries) {
  return
      [entries = std::move(entries), index = size_t{0}]() mutable -> Result<std::optional<Entry>> {
        if (index == entries.size()) return std::nullopt;
        return entries[index++];
      };
}

// "+path" to copy, "-path" to delete; "!" and a message for an error.
std::vector<std::string> Planned(std::vector<Entry> source, std::vector<Entry> target,
                                 SyncOptions options) {
  SyncPlan plan(SourceOf(std::move(source)), SourceOf(std::move(target)), options);
  std::vector<std::string> planned;
  while (true) {
    auto action = plan.Next();
    if (!action.has_value()) {
      planned.push_back("!" + action.error().message());
      return planned;
    }
    if (!action->has_value()) return planned;
    const bool is_copy = (**action).kind == SyncAction::Kind::kCopy;
    planned.push_back((is_copy ? "+" : "-") + (**action).entry.path);
  }
}

TEST(NeedsCopy, WhenTheSizeDiffers) {
  EXPECT_TRUE(NeedsCopy(EntryOf("a", 1), EntryOf("a", 2), {.size_only = true}));
}

TEST(NeedsCopy, WhenTheSourceIsNewer) {
  EXPECT_TRUE(NeedsCopy(EntryOf("a", 1, seconds(101)), EntryOf("a", 1, seconds(100)), {}));
  EXPECT_FALSE(NeedsCopy(EntryOf("a", 1, seconds(100)), EntryOf("a", 1, seconds(100)), {}));
  EXPECT_FALSE(NeedsCopy(EntryOf("a", 1, seconds(99)), EntryOf("a", 1, seconds(100)), {}));
  EXPECT_FALSE(
      NeedsCopy(EntryOf("a", 1, seconds(101)), EntryOf("a", 1, seconds(100)), {.size_only = true}));
}

TEST(NeedsCopy, ExactTimestampsAlsoNoticeAnOlderSource) {
  EXPECT_TRUE(NeedsCopy(EntryOf("a", 1, seconds(99)), EntryOf("a", 1, seconds(100)),
                        {.exact_timestamps = true}));
}

TEST(NeedsCopy, AWholeSecondStandsForAllOfIt) {
  EXPECT_FALSE(
      NeedsCopy(EntryOf("a", 1, milliseconds(100'900)), EntryOf("a", 1, seconds(100)), {}));
  EXPECT_TRUE(NeedsCopy(EntryOf("a", 1, milliseconds(100'900)),
                        EntryOf("a", 1, milliseconds(100'100)), {}));
}

// A file that is uploaded within the kernel's tick has the time of its object, which a listing
// gives in milliseconds.
TEST(NeedsCopy, AWholeMillisecondStandsForAllOfIt) {
  Entry source = EntryOf("a", 1, milliseconds(100'900));
  source.modified += std::chrono::nanoseconds(456'789);
  EXPECT_FALSE(NeedsCopy(source, EntryOf("a", 1, milliseconds(100'900)), {}));
  EXPECT_FALSE(
      NeedsCopy(source, EntryOf("a", 1, milliseconds(100'900)), {.exact_timestamps = true}));
  EXPECT_TRUE(NeedsCopy(source, EntryOf("a", 1, milliseconds(100'899)), {}));
}

TEST(SyncPlan, CopiesWhatIsMissingAndKeepsWhatOnlyTheTargetHas) {
  EXPECT_EQ(Planned({EntryOf("a"), EntryOf("b"), EntryOf("c")}, {EntryOf("b"), EntryOf("d")}, {}),
            (std::vector<std::string>{"+a", "+c"}));
}

TEST(SyncPlan, DeletesWhatOnlyTheTargetHasWhenAsked) {
  EXPECT_EQ(Planned({EntryOf("b")}, {EntryOf("a"), EntryOf("b"), EntryOf("c")}, {.deletes = true}),
            (std::vector<std::string>{"-a", "-c"}));
}

TEST(SyncPlan, RefusesAStreamOutOfOrder) {
  EXPECT_EQ(Planned({}, {EntryOf("b"), EntryOf("a")}, {.deletes = true}),
            (std::vector<std::string>{"!'a' was listed after 'b', out of order"}));
}

TEST(SyncPlan, AFailedStreamDeletesNothingMore) {
  SyncPlan plan(
      []() -> Result<std::optional<Entry>> { return Fail(ErrorCode::kUnavailable, "gone"); },
      SourceOf({EntryOf("a")}), {.deletes = true});
  const auto action = plan.Next();
  ASSERT_FALSE(action.has_value());
  EXPECT_EQ(action.error().code(), ErrorCode::kUnavailable);
}

TEST(SyncPlan, MakesTheTargetLikeTheSourceForRandomTrees) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(seed);
    Random random(seed);
    std::map<std::string, uint64_t> source;
    std::map<std::string, uint64_t> target;
    for (auto* side : {&source, &target}) {
      for (uint64_t i = random.Below(12); i > 0; --i) {
        (*side)[std::string(1, static_cast<char>('a' + random.Below(9)))] = random.Below(3);
      }
    }
    const auto entries = [](const auto& side) {
      std::vector<Entry> list;
      for (const auto& [path, size] : side) list.push_back(EntryOf(path, size));
      return list;
    };
    auto result = target;
    for (const std::string& step : Planned(entries(source), entries(target), {.deletes = true})) {
      const std::string path = step.substr(1);
      if (step.front() == '+') {
        EXPECT_TRUE(!target.contains(path) || target[path] != source[path]);
        result[path] = source[path];
      } else {
        result.erase(path);
      }
    }
    EXPECT_EQ(result, source);
  }
}

}  // namespace
}  // namespace headrace::file
