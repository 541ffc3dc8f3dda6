// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/list_prefix.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/random.h"
#include "testing/fake_key_store.h"

namespace headrace::plan {
namespace {

using ::headrace::testing::FakeKeyStore;
using ::testing::HasSubstr;

std::vector<std::string> Keys(const Listing& listing) {
  std::vector<std::string> keys;
  for (const ListedObject& object : listing) keys.emplace_back(object.key);
  return keys;
}

std::vector<std::string> Generated(size_t count, const std::function<std::string(size_t)>& key) {
  std::set<std::string> keys;
  for (size_t i = 0; i < count; ++i) keys.insert(key(i));
  return {keys.begin(), keys.end()};
}

std::string Uuid(Random& random) {
  return fmt::format("{:016x}-{:016x}", random.Next(), random.Next());
}

struct Distribution {
  std::string name;
  std::string prefix;
  std::vector<std::string> keys;
};

std::vector<Distribution> Distributions() {
  Random random(7);
  std::vector<Distribution> all;
  all.push_back({"nothing", "p/", {}});
  all.push_back({"one", "p/", {"p/x"}});
  all.push_back({"the prefix itself", "p/x", {"p/x"}});
  all.push_back(
      {"one page", "p/", Generated(100, [](size_t i) { return fmt::format("p/{:05}", i); })});
  all.push_back({"counter", "p/",
                 Generated(20'000, [](size_t i) { return fmt::format("p/img_{:08}.png", i); })});
  all.push_back({"counter without zeros", "p/",
                 Generated(20'000, [](size_t i) { return fmt::format("p/{}", i); })});
  all.push_back({"folders", "", Generated(20'000, [](size_t i) {
                   return fmt::format("data/set/n{:05}/n{:05}_{}.JPEG", i / 130 * 77, i / 130, i);
                 })});
  all.push_back({"a folder each", "p/", Generated(20'000, [](size_t i) {
                   return fmt::format("p/{:06}/sample.json", i * 31);
                 })});
  all.push_back({"uuids", "p/", Generated(20'000, [&](size_t) { return "p/" + Uuid(random); })});
  all.push_back({"letters only", "", Generated(20'000, [&](size_t) {
                   std::string key = "very/long/common/path/before/the/names/";
                   for (int i = 0; i < 6; ++i) key += static_cast<char>('a' + random.Below(26));
                   return key;
                 })});
  all.push_back({"not ASCII", "", Generated(5'000, [](size_t i) {
                   return fmt::format("데이터/{}{}",
                                      std::string(1, static_cast<char>(0xEA + i % 4)) + "\x80\x81",
                                      i);
                 })});
  all.push_back({"any bytes", "", Generated(5'000, [&](size_t) {
                   std::string key;
                   for (uint64_t n = 1 + random.Below(5); n > 0; --n) {
                     key += static_cast<char>(1 + random.Below(255));
                   }
                   return key;
                 })});
  return all;
}

ListOptions SmallPages() { return {.requests_in_flight_max = 8, .page_key_count = 100}; }

Task<Result<int>> TakeTurn() {
  co_await Sleep(std::chrono::nanoseconds(0));
  co_return 0;
}

class ListPrefixTest : public ::testing::Test {
 protected:
  Result<Listing> List(ObjectStore& store, const std::string& prefix,
                       const ListOptions& options = SmallPages()) {
    return ListPrefix(store, loops_, {.bucket = "b", .prefix = prefix}, options, context_);
  }

  EventLoops loops_{2};
  CallContext context_;
};

TEST_F(ListPrefixTest, FindsEveryKeyHoweverKeysAreDistributed) {
  for (const Distribution& distribution : Distributions()) {
    SCOPED_TRACE(distribution.name);
    FakeKeyStore store(distribution.keys);
    const auto listing = List(store, distribution.prefix);
    ASSERT_TRUE(listing.has_value()) << listing.error().message();
    EXPECT_EQ(Keys(*listing), distribution.keys);
  }
}

TEST_F(ListPrefixTest, AsksForFewPagesBeyondThoseNeeded) {
  for (const Distribution& distribution : Distributions()) {
    SCOPED_TRACE(distribution.name);
    FakeKeyStore store(distribution.keys);
    ASSERT_TRUE(List(store, distribution.prefix).has_value());
    const size_t needed = std::max<size_t>((distribution.keys.size() + 99) / 100, 1);
    EXPECT_LE(store.request_count(), needed == 1 ? 1 : needed + needed / 3 + 16);
  }
}

TEST_F(ListPrefixTest, ListsInParallelAndNeverAboveTheLimit) {
  for (const Distribution& distribution : Distributions()) {
    SCOPED_TRACE(distribution.name);
    FakeKeyStore store(distribution.keys);
    ASSERT_TRUE(List(store, distribution.prefix).has_value());
    EXPECT_LE(store.in_flight_max(), 8U);
    if (distribution.keys.size() == 20'000) {
      EXPECT_GE(store.in_flight_max(), 6U);
    }
  }
}

TEST_F(ListPrefixTest, OneRequestAtATimeStillFindsAll) {
  const auto keys = Generated(3'000, [](size_t i) { return fmt::format("p/{:05}", i); });
  FakeKeyStore store(keys);
  const auto listing = List(store, "p/", {.requests_in_flight_max = 1, .page_key_count = 100});
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(Keys(*listing), keys);
  EXPECT_EQ(store.request_count(), 30U);
}

TEST_F(ListPrefixTest, KeepsSizesEtagsAndTimes) {
  FakeKeyStore store({"a", "b"});
  const auto listing = List(store, "");
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(listing->ObjectAt(1), FakeKeyStore::Object("b"));
}

TEST_F(ListPrefixTest, ANonAnswerEndsTheListingWithItsError) {
  FakeKeyStore store(Generated(5'000, [](size_t i) { return fmt::format("p/{:05}", i); }));
  store.FailRequest(20, Error(ErrorCode::kUnavailable, "connection reset"));
  const auto listing = List(store, "p/");
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().code(), ErrorCode::kUnavailable);
  EXPECT_EQ(listing.error().message(), "connection reset");
}

TEST_F(ListPrefixTest, CancelEndsItSoon) {
  FakeKeyStore store(Generated(5'000, [](size_t i) { return fmt::format("p/{:05}", i); }));
  std::stop_source stop;
  size_t count_at_stop = 0;
  store.OnRequest(20, [&] {
    stop.request_stop();
    count_at_stop = store.request_count();
  });
  context_.stop = stop.get_token();
  const auto listing = List(store, "p/");
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().code(), ErrorCode::kCancelled);
  EXPECT_LE(store.request_count(), count_at_stop + 8U);
}

TEST_F(ListPrefixTest, PassesTheDeadlineOn) {
  FakeKeyStore store({"a"});
  context_.deadline = Deadline(SteadyTime(std::chrono::hours(1)));
  ASSERT_TRUE(List(store, "").has_value());
  EXPECT_EQ(store.last_deadline().at(), context_.deadline.at());
}

TEST_F(ListPrefixTest, AStoreThatIgnoresStartAfterIsListedRightAllTheSame) {
  const auto keys = Generated(2'000, [](size_t i) { return fmt::format("p/{:05}", i); });
  FakeKeyStore store(keys);
  store.IgnoreStartAfter();
  const auto listing = List(store, "p/");
  ASSERT_TRUE(listing.has_value()) << listing.error().message();
  EXPECT_EQ(Keys(*listing), keys);
}

TEST_F(ListPrefixTest, RefusesAStoreThatListsOutOfOrder) {
  FakeKeyStore store({"p/a", "p/c", "p/b"}, FakeKeyStore::Order::kAsGiven);
  const auto listing = List(store, "p/");
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().code(), ErrorCode::kCorrupt);
  EXPECT_THAT(listing.error().message(), HasSubstr("'p/b' after 'p/c'"));
}

TEST_F(ListPrefixTest, RefusesKeysOutsideThePrefix) {
  FakeKeyStore store({"p/a", "q"}, FakeKeyStore::Order::kAsGiven);
  const auto listing = List(store, "p/");
  ASSERT_FALSE(listing.has_value());
  EXPECT_THAT(listing.error().message(), HasSubstr("'q'"));
}

class PrefixStreamTest : public ListPrefixTest {
 protected:
  std::vector<std::string> Drain(PrefixStream& stream) {
    std::vector<std::string> keys;
    for (;;) {
      auto object = stream.Next();
      EXPECT_TRUE(object.has_value());
      if (!object.has_value() || !*object) return keys;
      keys.push_back((*object)->key);
    }
  }
};

TEST_F(PrefixStreamTest, GivesAllObjectsInKeyOrder) {
  for (const Distribution& distribution : Distributions()) {
    for (const size_t keys_ahead_max : {size_t{1}, size_t{1'000}, size_t{1'000'000}}) {
      SCOPED_TRACE(fmt::format("{} {}", distribution.name, keys_ahead_max));
      FakeKeyStore store(distribution.keys);
      ListOptions options = SmallPages();
      options.keys_ahead_max = keys_ahead_max;
      PrefixStream stream(store, loops_, {"b", distribution.prefix}, options, context_);
      EXPECT_EQ(Drain(stream), distribution.keys);
    }
  }
}

TEST_F(PrefixStreamTest, ListsNoFurtherAheadThanAllowed) {
  FakeKeyStore store(Generated(50'000, [](size_t i) { return fmt::format("p/{:06}", i); }));
  ListOptions options = SmallPages();
  options.keys_ahead_max = 2'000;
  PrefixStream stream(store, loops_, {"b", "p/"}, options, context_);
  ASSERT_EQ(stream.Next().value()->key, "p/000000");
  // Long enough for the whole listing, if nothing held it back.
  for (int turn = 0; turn < 5'000; ++turn) RunBlocking(loops_.Next(), TakeTurn());
  // Beyond the limit: what was in flight when it was reached, a few pages of the front, and keys
  // given twice where ranges were cut.
  EXPECT_LE(store.keys_given(), 2'000U + 3 * 8 * 100U);
}

TEST_F(PrefixStreamTest, MayBeDroppedWithRequestsInFlight) {
  FakeKeyStore store(Generated(50'000, [](size_t i) { return fmt::format("p/{:06}", i); }));
  {
    PrefixStream stream(store, loops_, {"b", "p/"}, SmallPages(), context_);
    ASSERT_TRUE(stream.Next().has_value());
  }
  EXPECT_EQ(store.in_flight(), 0U);
}

TEST_F(PrefixStreamTest, RepeatsItsError) {
  FakeKeyStore store({"p/a"});
  store.FailRequest(1, Error(ErrorCode::kNotFound, "bucket 'b' does not exist"));
  PrefixStream stream(store, loops_, {"b", "p/"}, SmallPages(), context_);
  EXPECT_EQ(stream.Next().error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(stream.Next().error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace headrace::plan
