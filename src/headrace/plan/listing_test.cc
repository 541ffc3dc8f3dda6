// SPDX-License-Identifier: Apache-2.0
#include "headrace/plan/listing.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::plan {
namespace {

constexpr std::string_view kMd5 = "d41d8cd98f00b204e9800998ecf8427e";

ObjectInfo Object(std::string key, std::string etag = std::string(kMd5)) {
  ObjectInfo object;
  object.size_bytes = key.size() * 3;
  object.modified = SystemTime(std::chrono::milliseconds(1'700'000'000'123 + key.size()));
  object.key = std::move(key);
  object.etag = std::move(etag);
  return object;
}

Listing Build(const std::vector<ObjectInfo>& objects) {
  ListingBuilder builder;
  for (const ObjectInfo& object : objects) EXPECT_TRUE(builder.Add(object).has_value());
  auto listing = builder.Finish();
  EXPECT_TRUE(listing.has_value());
  return std::move(listing).value();
}

std::vector<ObjectInfo> Objects(const Listing& listing) {
  std::vector<ObjectInfo> objects;
  for (size_t i = 0; i < listing.size(); ++i) objects.push_back(listing.ObjectAt(i));
  return objects;
}

TEST(Listing, GivesBackWhatWasAdded) {
  std::vector<ObjectInfo> objects = {Object("a"), Object("a/b"), Object("ü"), Object("\xff\x01")};
  objects[1].storage_class = "GLACIER";
  objects[2].storage_class = "STANDARD_IA";
  objects[3].storage_class = "GLACIER";
  objects[2].size_bytes = 50ULL << 40U;
  objects[3].modified = SystemTime(std::chrono::nanoseconds(-1));
  const Listing listing = Build(objects);
  EXPECT_EQ(Objects(listing), objects);
  EXPECT_EQ(listing.total_size_bytes(), 3 + 9 + (50ULL << 40U) + 6);
}

TEST(Listing, AnEmptyOneHasNoObjects) {
  const Listing listing = Build({});
  EXPECT_TRUE(listing.empty());
  EXPECT_EQ(listing.LowerBound("a"), 0U);
  EXPECT_FALSE(listing.Find("a").has_value());
  EXPECT_EQ(listing.begin(), listing.end());
}

TEST(Listing, KeepsEveryFormOfEtag) {
  const std::string md5(kMd5);
  std::vector<std::string> etags = {"",
                                    "abc",
                                    "\"",
                                    "0x8DC1-weird/etag",
                                    md5,
                                    md5.substr(1),
                                    "D41D8CD98F00B204E9800998ECF8427E",
                                    std::string(32, 'g')};
  for (const char* const end : {"-1", "-10000", "-10001", "-03", "-", "-2x", "x3"}) {
    etags.push_back(fmt::format("{}{}", kMd5, end));
  }
  std::vector<ObjectInfo> objects;
  for (size_t i = 0; i < etags.size(); ++i) {
    objects.push_back(Object(fmt::format("key{:02}", i), etags[i]));
  }
  const Listing listing = Build(objects);
  for (size_t i = 0; i < etags.size(); ++i) EXPECT_EQ(listing.EtagAt(i), etags[i]);
}

TEST(Listing, SortsByBytesWhateverOrderObjectsCameIn) {
  const Listing listing = Build({Object("b"), Object("\xc3\xbc", "odd"), Object("a/"), Object("a"),
                                 Object("a!"), Object("B")});
  std::vector<std::string_view> keys;
  for (const ListedObject& object : listing) keys.push_back(object.key);
  EXPECT_THAT(keys, ::testing::ElementsAre("B", "a", "a!", "a/", "b", "\xc3\xbc"));
  EXPECT_EQ(listing.EtagAt(5), "odd");
}

TEST(Listing, RefusesAKeyThatCameTwice) {
  ListingBuilder builder;
  for (const char* const key : {"a", "b\n", "b\n"}) {
    ASSERT_TRUE(builder.Add(Object(key)).has_value());
  }
  const auto listing = builder.Finish();
  ASSERT_FALSE(listing.has_value());
  EXPECT_EQ(listing.error().message(), "object 'b\\x0a' is listed twice");
}

TEST(Listing, RefusesWhatDoesNotFit) {
  ListingBuilder builder;
  EXPECT_FALSE(builder.Add(Object(std::string(65'536, 'k'))).has_value());
  ObjectInfo large = Object("large");
  large.size_bytes = 1ULL << 56U;
  EXPECT_FALSE(builder.Add(large).has_value());
  EXPECT_EQ(builder.size(), 0U);
  EXPECT_TRUE(builder.Add(Object(std::string(65'535, 'k'))).has_value());
}

TEST(Listing, FindsEveryKeyAcrossBlocksAndNoOther) {
  const uint64_t seed = Random::FromEntropy().Next();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  Random random(seed);
  std::set<std::string> keys;
  while (keys.size() < 3 * kListingBlockEntries + 17) {
    keys.insert(fmt::format("k{}", random.Below(1'000'000)));
  }
  std::vector<ObjectInfo> objects;
  for (const std::string& key : keys) objects.push_back(Object(key));
  for (size_t i = objects.size(); i > 1; --i) std::swap(objects[i - 1], objects[random.Below(i)]);
  const Listing listing = Build(objects);

  ASSERT_EQ(listing.size(), keys.size());
  size_t index = 0;
  for (const std::string& key : keys) {
    EXPECT_EQ(listing.Find(key), index);
    EXPECT_EQ(listing.LowerBound(key + '\0'), index + 1);
    ++index;
  }
  EXPECT_FALSE(listing.Find("k").has_value());
  EXPECT_EQ(listing.LowerBound("l"), keys.size());
}

TEST(Listing, AppendGivesTheSameAsAddingOneByOne) {
  std::vector<ObjectInfo> objects;
  for (size_t i = 0; i < 2 * kListingBlockEntries + 100; ++i) {
    objects.push_back(Object(fmt::format("key{:06}", i)));
    if (i % 100 == 0) objects.back().etag = fmt::format("odd {}", i);
    if (i % 7 == 0) objects.back().storage_class = fmt::format("CLASS{}", i % 3);
  }
  ListingBuilder builder;
  for (size_t begin = 0; begin < objects.size();) {
    const size_t end = std::min(begin + 777, objects.size());
    const auto from = objects.begin() + static_cast<std::ptrdiff_t>(begin);
    Listing piece = Build({from, from + static_cast<std::ptrdiff_t>(end - begin)});
    ASSERT_TRUE(builder.Append(std::move(piece)).has_value());
    begin = end;
  }
  const auto listing = builder.Finish();
  ASSERT_TRUE(listing.has_value());
  EXPECT_EQ(Objects(*listing), objects);
}

TEST(Listing, TakesAtMost48BytesBesideTheKey) {
  ListingBuilder builder;
  size_t key_bytes = 0;
  for (size_t i = 0; i < 100'001; ++i) {
    const ObjectInfo object = Object(fmt::format("train/{:04}/image_{:08}.jpg", i / 1000, i),
                                     i % 2 == 0 ? std::string(kMd5) : fmt::format("{}-12", kMd5));
    key_bytes += object.key.size();
    ASSERT_TRUE(builder.Add(object).has_value());
  }
  const auto listing = builder.Finish();
  ASSERT_TRUE(listing.has_value());
  EXPECT_LE(listing->memory_bytes(), key_bytes + 48 * listing->size());
  EXPECT_GE(listing->memory_bytes(), key_bytes + 40 * listing->size());
}

TEST(ListingBuilder, IsEmptyAfterFinish) {
  ListingBuilder builder;
  ASSERT_TRUE(builder.Add(Object("b")).has_value());
  ASSERT_TRUE(builder.Add(Object("a")).has_value());
  ASSERT_TRUE(builder.Finish().has_value());
  EXPECT_EQ(builder.size(), 0U);
  ASSERT_TRUE(builder.Add(Object("a")).has_value());
  EXPECT_EQ(builder.Finish().value().size(), 1U);
}

}  // namespace
}  // namespace headrace::plan
