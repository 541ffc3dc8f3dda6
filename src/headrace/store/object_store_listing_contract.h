// SPDX-License-Identifier: Apache-2.0
#pragma once

// The part of the ObjectStore contract that is about listings, copies and uploads in parts;
// included together with object_store_contract.h, in the same file.
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "headrace/store/object_store_contract.h"

namespace headrace {

// Listings.

TEST_P(ObjectStoreContract, AListingIsInByteOrderOfKeys) {
  GivenObjects({"b", "a/2", "a/10", "B", "a", "\xC3\xA9t\xC3\xA9", "a-b", "z"});
  EXPECT_THAT(store_.Keys(kBucket).value(), ::testing::ElementsAre("B", "a", "a-b", "a/10", "a/2",
                                                                   "b", "z", "\xC3\xA9t\xC3\xA9"));
}

TEST_P(ObjectStoreContract, AListingTellsSizeEtagAndTime) {
  ASSERT_THAT(store_.Put(kBucket, "key", "text"), testing::IsOk());
  const auto page = store_.List({.bucket = kBucket});
  ASSERT_THAT(page, testing::IsOk());
  ASSERT_EQ(page->objects.size(), 1U);
  EXPECT_EQ(page->objects[0].size_bytes, 4U);
  EXPECT_EQ(page->objects[0].etag, Md5Hex("text"));
  EXPECT_GT(page->objects[0].modified, SystemTime{});
}

TEST_P(ObjectStoreContract, APrefixIsAnyStartOfTheKeyNotAFolder) {
  GivenObjects({"train/1", "train/2", "training/1", "test/1"});
  EXPECT_THAT(store_.Keys(kBucket, "train").value(),
              ::testing::ElementsAre("train/1", "train/2", "training/1"));
  EXPECT_THAT(store_.Keys(kBucket, "train/").value(), ::testing::ElementsAre("train/1", "train/2"));
  EXPECT_TRUE(store_.Keys(kBucket, "absent/")->empty());
}

TEST_P(ObjectStoreContract, ADelimiterRollsKeysUpIntoCommonPrefixes) {
  GivenObjects({"a/1", "a/2", "b/c/3", "top", "z/4"});
  const auto page = store_.List({.bucket = kBucket, .delimiter = "/"});
  ASSERT_THAT(page, testing::IsOk());
  EXPECT_THAT(KeysOf(*page), ::testing::ElementsAre("top"));
  EXPECT_THAT(page->common_prefixes, ::testing::ElementsAre("a/", "b/", "z/"));
  const auto below = store_.List({.bucket = kBucket, .prefix = "b/", .delimiter = "/"});
  ASSERT_THAT(below, testing::IsOk());
  EXPECT_TRUE(below->objects.empty());
  EXPECT_THAT(below->common_prefixes, ::testing::ElementsAre("b/c/"));
}

TEST_P(ObjectStoreContract, AFolderMarkerIsAnObjectOfItsOwnFolderAndAPrefixAbove) {
  GivenObjects({"folder/a"});
  ASSERT_THAT(store_.Put(kBucket, "folder/", ""), testing::IsOk());
  EXPECT_THAT(store_.Keys(kBucket).value(), ::testing::ElementsAre("folder/", "folder/a"));
  const auto above = store_.List({.bucket = kBucket, .delimiter = "/"});
  EXPECT_THAT(above->common_prefixes, ::testing::ElementsAre("folder/"));
  const auto inside = store_.List({.bucket = kBucket, .prefix = "folder/", .delimiter = "/"});
  EXPECT_THAT(KeysOf(*inside), ::testing::ElementsAre("folder/", "folder/a"));
}

TEST_P(ObjectStoreContract, StartAfterLeavesOutThatKeyAndAllBefore) {
  GivenObjects({"a", "b", "c", "d"});
  EXPECT_THAT(KeysOf(*store_.List({.bucket = kBucket, .start_after = "b"})),
              ::testing::ElementsAre("c", "d"));
  EXPECT_THAT(KeysOf(*store_.List({.bucket = kBucket, .start_after = "bb"})),
              ::testing::ElementsAre("c", "d"));
  EXPECT_TRUE(store_.List({.bucket = kBucket, .start_after = "d"})->objects.empty());
}

TEST_P(ObjectStoreContract, PagesJoinToTheWholeListing) {
  GivenObjects({"a/1", "a/2", "b", "c/1", "c/2", "c/3", "d", "e/1"});
  for (const std::string delimiter : {"", "/"}) {
    for (uint32_t key_count_max = 1; key_count_max <= 9; ++key_count_max) {
      SCOPED_TRACE("delimiter '" + delimiter + "', page of " + std::to_string(key_count_max));
      ListRequest request{
          .bucket = kBucket, .delimiter = delimiter, .key_count_max = key_count_max};
      std::vector<std::string> joined;
      do {
        const auto page = store_.List(request);
        ASSERT_THAT(page, testing::IsOk());
        ASSERT_LE(page->objects.size() + page->common_prefixes.size(), key_count_max);
        ASSERT_GT(page->objects.size() + page->common_prefixes.size(), 0U);
        std::vector<std::string> entries = KeysOf(*page);
        entries.insert(entries.end(), page->common_prefixes.begin(), page->common_prefixes.end());
        std::ranges::sort(entries);
        joined.insert(joined.end(), entries.begin(), entries.end());
        request.continuation_token = page->next_token;
      } while (!request.continuation_token.empty());
      if (delimiter.empty()) {
        EXPECT_THAT(joined,
                    ::testing::ElementsAre("a/1", "a/2", "b", "c/1", "c/2", "c/3", "d", "e/1"));
      } else {
        EXPECT_THAT(joined, ::testing::ElementsAre("a/", "b", "c/", "d", "e/"));
      }
    }
  }
}

TEST_P(ObjectStoreContract, AwkwardKeysTravelUnchanged) {
  const std::vector<std::string> keys = {"a b",
                                         "a+b",
                                         "a%20b",
                                         "a=b&c=d",
                                         "a?b",
                                         "a#b",
                                         "quo\"te",
                                         "x;y,z",
                                         "~!@$",
                                         "[a]{b}",
                                         "back\\s",
                                         "<a>&amp;",
                                         "\xE6\x97\xA5",
                                         "caf\xC3\xA9/na\xC3\xAF",
                                         "c:d|e^f",
                                         "'",
                                         "a*b(c)`d",
                                         ".hidden",
                                         "a..b",
                                         "tab\there",
                                         " leading and trailing "};
  for (const std::string& key : keys) {
    SCOPED_TRACE(key);
    ASSERT_THAT(store_.Put(kBucket, key, key), testing::IsOk());
    EXPECT_EQ(store_.Get(kBucket, key).value_or("absent"), key);
  }
  std::vector<std::string> sorted = keys;
  std::ranges::sort(sorted);
  EXPECT_EQ(store_.Keys(kBucket).value(), sorted);
}

TEST_P(ObjectStoreContract, KeysThatNoFileSystemTakesTravelUnchanged) {
  if (!backend_->takes_every_key()) GTEST_SKIP() << "keys are file names here";
  const std::vector<std::string> keys = {"a",      "a/b",         "a//b",      "/lead",
                                         "x/../y", "./z",         "dir/",      "dir/./k",
                                         "..",     "ctl\x01\x7F", "line\nfeed"};
  for (const std::string& key : keys) {
    SCOPED_TRACE(key);
    ASSERT_THAT(store_.Put(kBucket, key, key), testing::IsOk());
    EXPECT_EQ(store_.Get(kBucket, key).value_or("absent"), key);
  }
  std::vector<std::string> sorted = keys;
  std::ranges::sort(sorted);
  EXPECT_EQ(store_.Keys(kBucket).value(), sorted);
}

// Copies.

TEST_P(ObjectStoreContract, ACopyHasTheBytesAndTheAttributes) {
  PutRequest source{.bucket = kBucket, .key = "source + key"};
  source.attributes.content_type = "image/png";
  source.attributes.user_metadata["colour"] = "red";
  ASSERT_THAT(store_.Put(source, "text"), testing::IsOk());
  ASSERT_THAT(store_.CreateBucket("another"), testing::IsOk());
  const auto copied = store_.Copy(
      {.source_bucket = kBucket, .source_key = "source + key", .bucket = "another", .key = "copy"});
  ASSERT_THAT(copied, testing::IsOk());
  EXPECT_EQ(copied->etag, Md5Hex("text"));
  EXPECT_EQ(store_.Get("another", "copy").value(), "text");
  const auto head = store_.Head("another", "copy");
  EXPECT_EQ(head->attributes.content_type, "image/png");
  EXPECT_EQ(head->attributes.user_metadata, source.attributes.user_metadata);
}

TEST_P(ObjectStoreContract, ACopyMayReplaceTheAttributesEvenInPlace) {
  PutRequest source{.bucket = kBucket, .key = "key"};
  source.attributes.user_metadata["colour"] = "red";
  ASSERT_THAT(store_.Put(source, "text"), testing::IsOk());
  CopyRequest copy{.source_bucket = kBucket, .source_key = "key", .bucket = kBucket, .key = "key"};
  copy.attributes = ObjectAttributes{.content_type = "text/plain"};
  ASSERT_THAT(store_.Copy(copy), testing::IsOk());
  EXPECT_EQ(store_.Get(kBucket, "key").value(), "text");
  EXPECT_EQ(store_.Head(kBucket, "key")->attributes.content_type, "text/plain");
  EXPECT_TRUE(store_.Head(kBucket, "key")->attributes.user_metadata.empty());
}

TEST_P(ObjectStoreContract, ACopyOfAnAbsentOrAnotherVersionFails) {
  CopyRequest copy{
      .source_bucket = kBucket, .source_key = "absent", .bucket = kBucket, .key = "copy"};
  EXPECT_THAT(store_.Copy(copy), testing::HasCode(ErrorCode::kNotFound));
  const std::string old_etag = store_.Put(kBucket, "source", "one")->etag;
  ASSERT_THAT(store_.Put(kBucket, "source", "two"), testing::IsOk());
  copy.source_key = "source";
  copy.source_if_match = old_etag;
  EXPECT_THAT(store_.Copy(copy), testing::HasCode(ErrorCode::kPreconditionFailed));
  EXPECT_THAT(store_.Head(kBucket, "copy"), testing::HasCode(ErrorCode::kNotFound));
}

// Uploads in parts.

TEST_P(ObjectStoreContract, CompletedPartsAreOneObjectInPartOrder) {
  CreateMultipartRequest options;
  options.attributes.content_type = "image/png";
  options.attributes.user_metadata["colour"] = "red";
  const std::vector<std::string> parts = {PartText(1), PartText(2), "tail"};
  const auto complete = GivenUpload("big", parts, options);
  EXPECT_THAT(store_.Head(kBucket, "big"), testing::HasCode(ErrorCode::kNotFound));
  EXPECT_TRUE(store_.Keys(kBucket)->empty());
  const auto done = store_.CompleteMultipart(complete);
  ASSERT_THAT(done, testing::IsOk());
  EXPECT_EQ(store_.Get(kBucket, "big").value(), parts[0] + parts[1] + parts[2]);
  EXPECT_EQ(done->etag, Md5Hex(Md5(parts[0]) + Md5(parts[1]) + Md5(parts[2])) + "-3");
  const auto head = store_.Head(kBucket, "big");
  EXPECT_EQ(head->info.etag, done->etag);
  EXPECT_EQ(head->attributes.content_type, "image/png");
  EXPECT_EQ(head->attributes.user_metadata, options.attributes.user_metadata);
}

TEST_P(ObjectStoreContract, APartSentAgainReplacesTheFirst) {
  auto complete = GivenUpload("big", {"old"});
  const auto again = store_.UploadPart({.upload = complete.upload, .part_number = 1}, "new");
  ASSERT_THAT(again, testing::IsOk());
  EXPECT_EQ(again->etag, Md5Hex("new"));
  EXPECT_THAT(store_.CompleteMultipart(complete), testing::HasCode(ErrorCode::kInvalidArgument));
  complete.parts = {*again};
  ASSERT_THAT(store_.CompleteMultipart(complete), testing::IsOk());
  EXPECT_EQ(store_.Get(kBucket, "big").value(), "new");
}

TEST_P(ObjectStoreContract, OnlyTheNamedPartsBecomeTheObject) {
  auto complete = GivenUpload("big", {PartText(1), PartText(2), PartText(3)});
  complete.parts.erase(complete.parts.begin() + 1);
  ASSERT_THAT(store_.CompleteMultipart(complete), testing::IsOk());
  EXPECT_EQ(store_.Get(kBucket, "big").value(), PartText(1) + PartText(3));
}

TEST_P(ObjectStoreContract, WrongCompletionsLeaveNoObject) {
  const auto right = GivenUpload("big", {PartText(1), PartText(2)});
  auto descending = right;
  std::swap(descending.parts[0], descending.parts[1]);
  EXPECT_THAT(store_.CompleteMultipart(descending), testing::HasCode(ErrorCode::kInvalidArgument));
  auto unknown = right;
  unknown.parts[1].part_number = 7;
  EXPECT_THAT(store_.CompleteMultipart(unknown), testing::HasCode(ErrorCode::kInvalidArgument));
  auto none = right;
  none.parts.clear();
  EXPECT_THAT(store_.CompleteMultipart(none), testing::HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(store_.Head(kBucket, "big"), testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(store_.CompleteMultipart(right), testing::IsOk());
}

TEST_P(ObjectStoreContract, AnAbortedUploadIsGone) {
  const auto complete = GivenUpload("big", {"part"});
  ASSERT_THAT(store_.AbortMultipart(complete.upload), testing::IsOk());
  EXPECT_THAT(store_.CompleteMultipart(complete), testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(store_.UploadPart({.upload = complete.upload, .part_number = 2}, "more"),
              testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(store_.Head(kBucket, "big"), testing::HasCode(ErrorCode::kNotFound));
}

TEST_P(ObjectStoreContract, ACompletionMayAskThatNothingIsThere) {
  auto complete = GivenUpload("big", {"part"});
  GivenObjects({"big"});
  complete.conditions.if_none_match_any = true;
  EXPECT_THAT(store_.CompleteMultipart(complete), testing::HasCode(ErrorCode::kPreconditionFailed));
  EXPECT_EQ(store_.Get(kBucket, "big").value(), "text of big");
}

TEST_P(ObjectStoreContract, PartsAreCopiedFromRangesOfObjects) {
  const std::string text = PartText(1) + PartText(2) + "tail";
  ASSERT_THAT(store_.Put(kBucket, "source", text), testing::IsOk());
  auto complete = GivenUpload("copy", {});
  const uint64_t half = PartText(1).size();
  uint32_t part_number = 1;
  for (const ByteRange range :
       {ByteRange{.begin = 0, .end = half}, ByteRange{.begin = half, .end = text.size()}}) {
    const auto part = store_.CopyPart({.upload = complete.upload,
                                       .part_number = part_number++,
                                       .source_bucket = kBucket,
                                       .source_key = "source",
                                       .source_range = range});
    ASSERT_THAT(part, testing::IsOk());
    EXPECT_EQ(part->etag, Md5Hex(std::string_view(text).substr(range.begin, range.size_bytes())));
    complete.parts.push_back(*part);
  }
  ASSERT_THAT(store_.CompleteMultipart(complete), testing::IsOk());
  EXPECT_EQ(store_.Get(kBucket, "copy").value(), text);
}

TEST_P(ObjectStoreContract, ACopiedPartOfAnotherVersionFails) {
  const std::string old_etag = store_.Put(kBucket, "source", "one")->etag;
  ASSERT_THAT(store_.Put(kBucket, "source", "two"), testing::IsOk());
  const auto complete = GivenUpload("copy", {});
  EXPECT_THAT(store_.CopyPart({.upload = complete.upload,
                               .part_number = 1,
                               .source_bucket = kBucket,
                               .source_key = "source",
                               .source_if_match = old_etag}),
              testing::HasCode(ErrorCode::kPreconditionFailed));
}

TEST_P(ObjectStoreContract, APartThatIsTooSmallMayOnlyBeTheLast) {
  if (backend_->part_size_bytes_min() == 1) GTEST_SKIP() << "takes parts of any size";
  EXPECT_THAT(store_.CompleteMultipart(GivenUpload("big", {"small", PartText(1)})),
              testing::HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(store_.CompleteMultipart(GivenUpload("big", {PartText(1), "small"})),
              testing::IsOk());
}

TEST_P(ObjectStoreContract, APartWithAWrongChecksumIsCorrupt) {
  const auto complete = GivenUpload("big", {});
  const UploadPartRequest request{
      .upload = complete.upload,
      .part_number = 1,
      .checksum = ChecksumOf(ChecksumAlgorithm::kCrc64Nvme, AsBytes("other"))};
  EXPECT_THAT(store_.UploadPart(request, "text"), testing::HasCode(ErrorCode::kCorrupt));
}

TEST_P(ObjectStoreContract, PartsMakeAFullObjectCrc64) {
  const std::string text = PartText(1) + "tail";
  CreateMultipartRequest options;
  options.checksum_algorithm = ChecksumAlgorithm::kCrc64Nvme;
  ASSERT_THAT(store_.CompleteMultipart(GivenUpload("big", {PartText(1), "tail"}, options)),
              testing::IsOk());
  EXPECT_EQ(store_.Head(kBucket, "big")->checksum,
            ChecksumOf(ChecksumAlgorithm::kCrc64Nvme, AsBytes(text)));
}

// Ends.

TEST_P(ObjectStoreContract, ARequestedStopCancelsTheCall) {
  std::stop_source source;
  source.request_stop();
  store_.context.stop = source.get_token();
  EXPECT_THAT(store_.Put(kBucket, "key", "text"), testing::HasCode(ErrorCode::kCancelled));
  EXPECT_THAT(store_.Head(kBucket, "key"), testing::HasCode(ErrorCode::kCancelled));
  store_.context.stop = {};
  EXPECT_TRUE(store_.Keys(kBucket)->empty());
}

TEST_P(ObjectStoreContract, APassedDeadlineTimesTheCallOut) {
  store_.context.deadline = Deadline(SteadyTime{});
  EXPECT_THAT(store_.List({.bucket = kBucket}), testing::HasCode(ErrorCode::kTimedOut));
  EXPECT_THAT(store_.Head(kBucket, "key"), testing::HasCode(ErrorCode::kTimedOut));
}

}  // namespace headrace
