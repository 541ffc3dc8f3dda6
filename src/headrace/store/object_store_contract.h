// SPDX-License-Identifier: Apache-2.0
#pragma once

// What every ObjectStore does, as tests. One file of a test program includes this and says which
// implementations it has:
//
//   INSTANTIATE_TEST_SUITE_P(Stores, ObjectStoreContract, ::testing::Values(memory), ContractName);
#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/crc.h"
#include "headrace/base/digest.h"
#include "headrace/base/encoding.h"
#include "headrace/store/object_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/seeded_bytes.h"

namespace headrace {

// An empty store and whatever it stands on (a folder, a server), owned by one test.
class ContractBackend {
 public:
  virtual ~ContractBackend() = default;
  virtual ObjectStore& store() = 0;
  // Smallest part of an upload except its last.
  virtual uint64_t part_size_bytes_min() const { return 1; }
  // False where keys must be names a file system takes: no "//", no "..", no "a" beside "a/b".
  virtual bool takes_every_key() const { return true; }
};

struct ContractParam {
  std::string name;
  std::function<std::unique_ptr<ContractBackend>()> make;
};
inline std::string ContractName(const ::testing::TestParamInfo<ContractParam>& info) {
  return info.param.name;
}
inline void PrintTo(const ContractParam& param, std::ostream* out) { *out << param.name; }

class ObjectStoreContract : public ::testing::TestWithParam<ContractParam> {
 protected:
  static constexpr const char* kBucket = "contract";

  ObjectStoreContract() : backend_(GetParam().make()), store_(backend_->store()) {}
  // Before the loops of `store_` end: stores keep connections on the loops their calls ran on.
  ~ObjectStoreContract() override { backend_.reset(); }
  void SetUp() override { ASSERT_THAT(store_.CreateBucket(kBucket), testing::IsOk()); }

  void GivenObjects(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) {
      ASSERT_THAT(store_.Put(kBucket, key, "text of " + key), testing::IsOk());
    }
  }
  std::string PartText(uint64_t seed) const {
    return testing::SeededText(seed, backend_->part_size_bytes_min());
  }
  // Starts an upload to `key` of these parts, numbered from 1, and says what Complete needs.
  CompleteMultipartRequest GivenUpload(const std::string& key,
                                       const std::vector<std::string>& parts,
                                       const CreateMultipartRequest& options = {}) {
    CreateMultipartRequest create = options;
    create.bucket = kBucket;
    create.key = key;
    CompleteMultipartRequest complete;
    const auto upload = store_.CreateMultipart(create);
    EXPECT_THAT(upload, testing::IsOk());
    if (!upload) return complete;
    complete.upload = *upload;
    for (const std::string& text : parts) {
      UploadPartRequest request{.upload = *upload,
                                .part_number = static_cast<uint32_t>(complete.parts.size() + 1)};
      if (create.checksum_algorithm) {
        request.checksum = ChecksumOf(*create.checksum_algorithm, AsBytes(text));
      }
      const auto part = store_.UploadPart(request, text);
      EXPECT_THAT(part, testing::IsOk());
      if (part) complete.parts.push_back(*part);
    }
    return complete;
  }
  static std::string Md5(std::string_view text) {
    RunningDigest digest(DigestKind::kMd5);
    digest.Update(AsBytes(text));
    return digest.Finish();
  }
  static std::string Md5Hex(std::string_view text) { return HexEncode(AsBytes(Md5(text))); }
  static std::vector<std::string> KeysOf(const ListPage& page) {
    std::vector<std::string> keys;
    for (const ObjectInfo& info : page.objects) keys.push_back(info.key);
    return keys;
  }

  std::unique_ptr<ContractBackend> backend_;
  testing::BlockingStore store_;
};

// Buckets.

TEST_P(ObjectStoreContract, ACreatedBucketIsListedAndADeletedOneIsNot) {
  ASSERT_THAT(store_.CreateBucket("another"), testing::IsOk());
  auto names = [this] {
    std::vector<std::string> found;
    const auto buckets = store_.ListBuckets();
    for (const BucketInfo& info : buckets.value()) found.push_back(info.name);
    return found;
  };
  EXPECT_THAT(names(), ::testing::ElementsAre("another", kBucket));
  EXPECT_THAT(store_.HeadBucket("another"), testing::IsOk());
  ASSERT_THAT(store_.DeleteBucket("another"), testing::IsOk());
  EXPECT_THAT(names(), ::testing::ElementsAre(kBucket));
  EXPECT_THAT(store_.HeadBucket("another"), testing::HasCode(ErrorCode::kNotFound));
}

TEST_P(ObjectStoreContract, CreatingABucketThatIsThereLeavesItsObjectsAlone) {
  GivenObjects({"kept"});
  const Status again = store_.CreateBucket(kBucket);
  if (!again) {
    EXPECT_EQ(again.error().code(), ErrorCode::kAlreadyExists);
  }
  EXPECT_THAT(store_.Get(kBucket, "kept"), testing::IsOk());
}

TEST_P(ObjectStoreContract, ABucketWithObjectsIsNotDeleted) {
  GivenObjects({"kept"});
  EXPECT_THAT(store_.DeleteBucket(kBucket), testing::HasCode(ErrorCode::kAlreadyExists));
  EXPECT_THAT(store_.Get(kBucket, "kept"), testing::IsOk());
}

TEST_P(ObjectStoreContract, EveryOperationOnAnAbsentBucketIsNotFoundAndNamesIt) {
  const std::string absent = "absent-bucket";
  EXPECT_THAT(store_.DeleteBucket(absent), testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(store_.List({.bucket = absent}), testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(store_.List({.bucket = absent}), testing::HasMessage(absent));
  EXPECT_THAT(store_.Head(absent, "key"), testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(store_.Put(absent, "key", "text"), testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(store_.Put(absent, "key", "text"), testing::HasMessage(absent));
  EXPECT_THAT(store_.CreateMultipart({.bucket = absent, .key = "key"}),
              testing::HasCode(ErrorCode::kNotFound));
}

// Writing and reading.

TEST_P(ObjectStoreContract, WhatIsPutIsWhatIsGot) {
  const std::string text = testing::SeededText(1, 100'000);
  const auto put = store_.Put(kBucket, "folder/object", text);
  ASSERT_THAT(put, testing::IsOk());
  EXPECT_EQ(put->etag, Md5Hex(text));
  EXPECT_EQ(store_.Get(kBucket, "folder/object").value(), text);
  const auto head = store_.Head(kBucket, "folder/object");
  ASSERT_THAT(head, testing::IsOk());
  EXPECT_EQ(head->info.key, "folder/object");
  EXPECT_EQ(head->info.size_bytes, text.size());
  EXPECT_EQ(head->info.etag, put->etag);
  EXPECT_GT(head->info.modified, SystemTime{});
}

TEST_P(ObjectStoreContract, AnEmptyObjectIsAnObject) {
  ASSERT_THAT(store_.Put(kBucket, "empty", ""), testing::IsOk());
  EXPECT_EQ(store_.Head(kBucket, "empty")->info.size_bytes, 0U);
  EXPECT_EQ(store_.Get(kBucket, "empty").value(), "");
}

TEST_P(ObjectStoreContract, AnAbsentKeyIsNotFoundAndNamed) {
  std::string target(1, '\0');
  const GetRequest get{
      .bucket = kBucket, .key = "no/such-key", .target = std::as_writable_bytes(std::span(target))};
  const auto got = store_.Run(store_.store().Get(get, store_.context));
  EXPECT_THAT(got, testing::HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(got, testing::HasMessage("no/such-key"));
  EXPECT_THAT(store_.Head(kBucket, "no/such-key"), testing::HasCode(ErrorCode::kNotFound));
}

TEST_P(ObjectStoreContract, APutReplacesTheObjectAndItsAttributes) {
  PutRequest first{.bucket = kBucket, .key = "key"};
  first.attributes.content_type = "text/plain";
  first.attributes.user_metadata["colour"] = "red";
  ASSERT_THAT(store_.Put(first, "old and long"), testing::IsOk());
  ASSERT_THAT(store_.Put(kBucket, "key", "new"), testing::IsOk());
  EXPECT_EQ(store_.Get(kBucket, "key").value(), "new");
  EXPECT_TRUE(store_.Head(kBucket, "key")->attributes.user_metadata.empty());
}

TEST_P(ObjectStoreContract, AttributesComeBackAsTheyWereGiven) {
  PutRequest request{.bucket = kBucket, .key = "key"};
  request.attributes = {.content_type = "image/png",
                        .content_encoding = "gzip",
                        .content_disposition = "attachment; filename=\"a.png\"",
                        .content_language = "de",
                        .cache_control = "no-cache",
                        .expires = "Wed, 21 Oct 2026 07:28:00 GMT",
                        .storage_class = "",
                        .user_metadata = {{"colour", "deep blue"}, {"empty", ""}, {"n", "1"}}};
  ASSERT_THAT(store_.Put(request, "text"), testing::IsOk());
  const ObjectAttributes found = store_.Head(kBucket, "key")->attributes;
  EXPECT_EQ(found.content_type, request.attributes.content_type);
  EXPECT_EQ(found.content_encoding, request.attributes.content_encoding);
  EXPECT_EQ(found.content_disposition, request.attributes.content_disposition);
  EXPECT_EQ(found.content_language, request.attributes.content_language);
  EXPECT_EQ(found.cache_control, request.attributes.cache_control);
  EXPECT_EQ(found.expires, request.attributes.expires);
  EXPECT_EQ(found.user_metadata, request.attributes.user_metadata);
}

TEST_P(ObjectStoreContract, ARangeGivesItsBytesAndIsCutAtTheEnd) {
  ASSERT_THAT(store_.Put(kBucket, "key", "0123456789"), testing::IsOk());
  EXPECT_EQ(store_.GetRange(kBucket, "key", {.begin = 0, .end = 1}).value(), "0");
  EXPECT_EQ(store_.GetRange(kBucket, "key", {.begin = 3, .end = 7}).value(), "3456");
  EXPECT_EQ(store_.GetRange(kBucket, "key", {.begin = 9, .end = 10}).value(), "9");
  EXPECT_EQ(store_.GetRange(kBucket, "key", {.begin = 8, .end = 100}).value(), "89");
  EXPECT_THAT(store_.GetRange(kBucket, "key", {.begin = 10, .end = 11}),
              testing::HasCode(ErrorCode::kInvalidArgument));
}

TEST_P(ObjectStoreContract, ARangeOfAnEmptyObjectGivesNoBytes) {
  ASSERT_THAT(store_.Put(kBucket, "empty", ""), testing::IsOk());
  EXPECT_EQ(store_.GetRange(kBucket, "empty", {.begin = 0, .end = 5}).value(), "");
}

TEST_P(ObjectStoreContract, ARangedGetTellsTheWholeObjectsSizeAndEtag) {
  ASSERT_THAT(store_.Put(kBucket, "key", "0123456789"), testing::IsOk());
  std::string target(2, '\0');
  const GetRequest get{.bucket = kBucket,
                       .key = "key",
                       .range = ByteRange{.begin = 2, .end = 4},
                       .target = std::as_writable_bytes(std::span(target))};
  const auto got = store_.Run(store_.store().Get(get, store_.context));
  ASSERT_THAT(got, testing::IsOk());
  EXPECT_EQ(got->size_bytes, 2U);
  EXPECT_EQ(got->head.info.size_bytes, 10U);
  EXPECT_EQ(got->head.info.etag, Md5Hex("0123456789"));
}

TEST_P(ObjectStoreContract, BytesThatDoNotFitTheTargetAreAnotherVersion) {
  ASSERT_THAT(store_.Put(kBucket, "key", "0123456789"), testing::IsOk());
  std::string target(4, '\0');
  const GetRequest get{
      .bucket = kBucket, .key = "key", .target = std::as_writable_bytes(std::span(target))};
  EXPECT_THAT(store_.Run(store_.store().Get(get, store_.context)),
              testing::HasCode(ErrorCode::kPreconditionFailed));
}

// A body that ends before the size it announced.
class ShortSource final : public ByteSource {
 public:
  std::optional<uint64_t> size_bytes() const override { return 10; }
  Task<Result<size_t>> Read(std::span<std::byte> target) override {
    if (std::exchange(has_read_, true)) co_return 0;
    target.front() = std::byte{'x'};
    co_return 1;
  }

 private:
  bool has_read_ = false;
};

// A body of unknown length in small uneven pieces.
class DripSource final : public ByteSource {
 public:
  explicit DripSource(std::string text) : text_(std::move(text)) {}
  std::optional<uint64_t> size_bytes() const override { return std::nullopt; }
  Task<Result<size_t>> Read(std::span<std::byte> target) override {
    const size_t taken = std::min({target.size(), text_.size() - read_, step_});
    std::copy_n(AsBytes(text_).begin() + static_cast<std::ptrdiff_t>(read_), taken, target.begin());
    read_ += taken;
    step_ = step_ % 1000 + 7;
    co_return taken;
  }

 private:
  std::string text_;
  size_t read_ = 0;
  size_t step_ = 1;
};

TEST_P(ObjectStoreContract, ABodyThatEndsEarlyLeavesTheOldObject) {
  ASSERT_THAT(store_.Put(kBucket, "key", "old"), testing::IsOk());
  ShortSource body;
  const PutRequest request{.bucket = kBucket, .key = "key"};
  EXPECT_FALSE(store_.Run(store_.store().Put(request, body, store_.context)).has_value());
  EXPECT_EQ(store_.Get(kBucket, "key").value(), "old");
}

TEST_P(ObjectStoreContract, ABodyOfUnknownLengthIsStoredWhole) {
  const std::string text = testing::SeededText(2, 200'001);
  DripSource body(text);
  const PutRequest request{.bucket = kBucket, .key = "key"};
  ASSERT_THAT(store_.Run(store_.store().Put(request, body, store_.context)), testing::IsOk());
  EXPECT_EQ(store_.Get(kBucket, "key").value(), text);
}

// Checksums.

TEST_P(ObjectStoreContract, EachChecksumIsVerifiedKeptAndToldAgain) {
  for (const auto algorithm : kChecksumAlgorithms) {
    SCOPED_TRACE(ChecksumName(algorithm));
    const Checksum right = ChecksumOf(algorithm, AsBytes("text"));
    const PutRequest good{.bucket = kBucket, .key = "key", .checksum = right};
    ASSERT_THAT(store_.Put(good, "text"), testing::IsOk());
    EXPECT_EQ(store_.Head(kBucket, "key")->checksum, right);
    const PutRequest bad{
        .bucket = kBucket, .key = "key", .checksum = ChecksumOf(algorithm, AsBytes("other text"))};
    EXPECT_THAT(store_.Put(bad, "text"), testing::HasCode(ErrorCode::kCorrupt));
    EXPECT_EQ(store_.Head(kBucket, "key")->checksum, right);
  }
}

// Conditions.

TEST_P(ObjectStoreContract, IfMatchPinsTheVersionThatIsRead) {
  const std::string etag = store_.Put(kBucket, "key", "one")->etag;
  std::string target(3, '\0');
  GetRequest get{.bucket = kBucket,
                 .key = "key",
                 .conditions = {.if_match = etag},
                 .target = std::as_writable_bytes(std::span(target))};
  EXPECT_THAT(store_.Run(store_.store().Get(get, store_.context)), testing::IsOk());
  ASSERT_THAT(store_.Put(kBucket, "key", "two"), testing::IsOk());
  EXPECT_THAT(store_.Run(store_.store().Get(get, store_.context)),
              testing::HasCode(ErrorCode::kPreconditionFailed));
  const HeadRequest head{.bucket = kBucket, .key = "key", .conditions = {.if_match = etag}};
  EXPECT_THAT(store_.Run(store_.store().Head(head, store_.context)),
              testing::HasCode(ErrorCode::kPreconditionFailed));
}

TEST_P(ObjectStoreContract, IfNoneMatchWritesOnlyWhereNothingIs) {
  const PutRequest request{
      .bucket = kBucket, .key = "key", .conditions = {.if_none_match_any = true}};
  ASSERT_THAT(store_.Put(request, "first"), testing::IsOk());
  EXPECT_THAT(store_.Put(request, "second"), testing::HasCode(ErrorCode::kPreconditionFailed));
  EXPECT_EQ(store_.Get(kBucket, "key").value(), "first");
}

TEST_P(ObjectStoreContract, IfMatchWritesOnlyOverThatVersion) {
  const std::string etag = store_.Put(kBucket, "key", "one")->etag;
  const PutRequest request{.bucket = kBucket, .key = "key", .conditions = {.if_match = etag}};
  ASSERT_THAT(store_.Put(request, "two"), testing::IsOk());
  EXPECT_THAT(store_.Put(request, "three"), testing::HasCode(ErrorCode::kPreconditionFailed));
  EXPECT_EQ(store_.Get(kBucket, "key").value(), "two");
  const PutRequest absent{.bucket = kBucket, .key = "absent", .conditions = {.if_match = etag}};
  EXPECT_THAT(store_.Put(absent, "one"), testing::HasCode(ErrorCode::kNotFound));
}

// Deleting.

TEST_P(ObjectStoreContract, ABatchOfMoreThanAThousandDeletionsIsRefused) {
  GivenObjects({"key-0"});
  DeleteManyRequest request{.bucket = kBucket};
  for (int i = 0; i < 1001; ++i) request.keys.push_back("key-" + std::to_string(i));
  EXPECT_THAT(store_.DeleteMany(request), testing::HasCode(ErrorCode::kInvalidArgument));
  EXPECT_THAT(store_.Keys(kBucket).value(), ::testing::ElementsAre("key-0"));
}

TEST_P(ObjectStoreContract, DeletingIsTheSameWhetherTheObjectWasThereOrNot) {
  GivenObjects({"a", "b"});
  EXPECT_THAT(store_.Delete(kBucket, "a"), testing::IsOk());
  EXPECT_THAT(store_.Delete(kBucket, "a"), testing::IsOk());
  EXPECT_THAT(store_.Keys(kBucket).value(), ::testing::ElementsAre("b"));
}

TEST_P(ObjectStoreContract, ABatchDeleteTakesPresentAndAbsentKeys) {
  GivenObjects({"a", "b/c", "d & <e>"});
  const auto failures = store_.DeleteMany({.bucket = kBucket, .keys = {"a", "absent", "d & <e>"}});
  ASSERT_THAT(failures, testing::IsOk());
  EXPECT_TRUE(failures->empty());
  EXPECT_THAT(store_.Keys(kBucket).value(), ::testing::ElementsAre("b/c"));
}

}  // namespace headrace
