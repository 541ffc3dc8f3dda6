// SPDX-License-Identifier: Apache-2.0
// What the contract of all stores does not say of this one: files that others put there, rename and
// append, uploads listed and completed twice, what is left at a start.
#include "headrace/store/directory/directory_store.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/store/directory/directory_store_fixture.h"
#include "testing/result_matchers.h"

namespace headrace::directory {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using ::testing::ElementsAre;

class DirectoryStoreTest : public DirectoryStoreFixture {
 protected:
  DirectoryStoreTest() {
    Restart();
    EXPECT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  }

  void Restart() { Start({.durability = Durability::kNone}, 4); }
  std::filesystem::path PathOf(const std::string& key) const { return Path("bucket/" + key); }
  void WriteByHand(const std::string& key, std::string_view text) const {
    folder_.Write("bucket/" + key, text);
  }
  std::vector<std::string> PartFolders() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(Reserved("parts"))) {
      names.push_back(entry.path().filename());
    }
    return names;
  }

  Status Rename(const std::string& from, const std::string& to) {
    const RenameRequest request{.bucket = "bucket", .source_key = from, .key = to};
    return blocking_->Run(store_->Rename(request, blocking_->context));
  }
  Result<PutResult> Append(const std::string& key, uint64_t offset, std::string_view text) {
    const AppendRequest request{.bucket = "bucket", .key = key, .offset_bytes = offset};
    SpanSource body(AsBytes(text));
    return blocking_->Run(store_->Append(request, body, blocking_->context));
  }
};

TEST_F(DirectoryStoreTest, AListingFollowsEveryPutAndDeleteAndFilesPutThereByHand) {
  WriteByHand("m", "by hand");
  EXPECT_THAT(*blocking_->Keys("bucket"), ElementsAre("m"));
  ASSERT_THAT(blocking_->Put("bucket", "z", "1"), IsOk());
  EXPECT_THAT(*blocking_->Keys("bucket"), ElementsAre("m", "z"));
  ASSERT_THAT(blocking_->Put("bucket", "a", "1"), IsOk());
  WriteByHand("k", "by hand");
  EXPECT_THAT(*blocking_->Keys("bucket"), ElementsAre("a", "k", "m", "z"));
  ASSERT_THAT(blocking_->Delete("bucket", "m"), IsOk());
  ASSERT_THAT(blocking_->Put("bucket", "folder/x", "1"), IsOk());
  std::filesystem::remove(PathOf("k"));
  EXPECT_THAT(*blocking_->Keys("bucket"), ElementsAre("a", "folder/x", "z"));
}

TEST_F(DirectoryStoreTest, AListingTellsTheTrueETagsOfManyFilesPutThereByHand) {
  for (int i = 0; i < 300; ++i) WriteByHand(std::to_string(i), i % 3 == 0 ? "" : "text");
  for (int round = 0; round < 2; ++round) {
    const ListPage page = blocking_->List({.bucket = "bucket"}).value();
    ASSERT_EQ(page.objects.size(), 300U);
    for (const ObjectInfo& object : page.objects) {
      EXPECT_EQ(object.etag, object.size_bytes == 0 ? "d41d8cd98f00b204e9800998ecf8427e"
                                                    : "1cb251ec0d568de6a929b520c4aed8d1");
      EXPECT_EQ(object, blocking_->Head("bucket", object.key)->info);
    }
    Restart();
  }
}

TEST_F(DirectoryStoreTest, ALateRecordOfAFileDoesNotReplaceItsTags) {
  WriteByHand("key", "text");
  ASSERT_EQ(blocking_->Keys("bucket")->size(), 1U);
  const HeadRequest request{.bucket = "bucket", .key = "key"};
  ASSERT_THAT(blocking_->Run(store_->PutTags(request, {{"a", "b"}}, blocking_->context)), IsOk());
  Restart();
  const auto opened = blocking_->Run(store_->Open(request, blocking_->context));
  ASSERT_THAT(opened, IsOk());
  EXPECT_EQ(opened->object->tags, (std::map<std::string, std::string>{{"a", "b"}}));
}

// A file system gives the inode of a removed file to a new one: the second put, mostly.
TEST_F(DirectoryStoreTest, ALateRecordOfAFileDoesNotReplaceThatOfANewOneWithItsInode) {
  WriteByHand("key", "by hand");
  const auto inode = [&] {
    struct stat status{};
    EXPECT_EQ(::stat(PathOf("key").c_str(), &status), 0);
    return status.st_ino;
  };
  const ino_t first = inode();
  ASSERT_EQ(blocking_->Keys("bucket")->size(), 1U);
  const PutRequest request{
      .bucket = "bucket", .key = "key", .attributes = {.content_type = "text/x"}};
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(blocking_->Put(request, "version " + std::to_string(i)), IsOk());
    if (inode() == first) break;
  }
  if (inode() != first) GTEST_SKIP() << "this file system gives no inode again";
  Restart();
  EXPECT_EQ(blocking_->Head("bucket", "key")->attributes.content_type, "text/x");
}

TEST_F(DirectoryStoreTest, TagsComeWithThePut) {
  const PutRequest request{.bucket = "bucket", .key = "key", .tags = {{"a", "b"}}};
  ASSERT_THAT(blocking_->Put(request, "text"), IsOk());
  const HeadRequest head{.bucket = "bucket", .key = "key"};
  EXPECT_EQ(blocking_->Run(store_->Open(head, blocking_->context))->object->tags.at("a"), "b");
}

TEST_F(DirectoryStoreTest, ARenameMovesBytesAndAttributesInOneStep) {
  const PutRequest request{
      .bucket = "bucket", .key = "from/key", .attributes = {.content_type = "text/x"}};
  const std::string etag = blocking_->Put(request, "text")->etag;
  for (const std::string to : {"to", "odd//name", "back/again"}) {
    const std::string from = blocking_->Keys("bucket")->front();
    ASSERT_THAT(Rename(from, to), IsOk());
    EXPECT_THAT(*blocking_->Keys("bucket"), ElementsAre(to));
    EXPECT_EQ(blocking_->Get("bucket", to).value(), "text");
    EXPECT_EQ(blocking_->Head("bucket", to)->info.etag, etag);
    EXPECT_EQ(blocking_->Head("bucket", to)->attributes.content_type, "text/x");
  }
  EXPECT_FALSE(std::filesystem::exists(PathOf("from")));
  EXPECT_THAT(Rename("absent", "x"), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(Rename("back/again", "back/again"), HasCode(ErrorCode::kInvalidArgument));
}

// A rename that a crash stopped half way left the object under both names.
TEST_F(DirectoryStoreTest, ARenameToAnotherNameOfTheSameFileLeavesOneName) {
  ASSERT_THAT(blocking_->Put("bucket", "from", "text"), IsOk());
  std::filesystem::create_hard_link(PathOf("from"), PathOf("to"));
  ASSERT_THAT(Rename("from", "to"), IsOk());
  EXPECT_THAT(*blocking_->Keys("bucket"), ElementsAre("to"));
  EXPECT_EQ(blocking_->Get("bucket", "to").value(), "text");
  EXPECT_EQ(std::filesystem::hard_link_count(PathOf("to")), 1U);
}

TEST_F(DirectoryStoreTest, AnAppendNeedsTheRightOffsetAndMakesOneObject) {
  ASSERT_THAT(Append("key", 0, "one"), IsOk());
  ASSERT_THAT(Append("key", 3, "two"), IsOk());
  EXPECT_EQ(Append("key", 3, "x").error().origin().s3_code, "InvalidWriteOffset");
  EXPECT_EQ(Append("absent", 1, "x").error().origin().s3_code, "InvalidWriteOffset");
  EXPECT_EQ(blocking_->Get("bucket", "key").value(), "onetwo");
  ASSERT_THAT(blocking_->Put("bucket", "same", "onetwo"), IsOk());
  EXPECT_EQ(blocking_->Head("bucket", "key")->info.etag,
            blocking_->Head("bucket", "same")->info.etag);
}

TEST_F(DirectoryStoreTest, AnUploadCanBeCompletedTwiceButNotOnceItsObjectIsReplaced) {
  const MultipartUpload upload = StartUpload("key");
  const CompleteMultipartRequest request{.upload = upload, .parts = {Upload(upload, 1, "text")}};
  const auto first = blocking_->CompleteMultipart(request);
  ASSERT_THAT(first, IsOk());
  const auto second = blocking_->CompleteMultipart(request);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->etag, first->etag);
  ASSERT_THAT(blocking_->Put("bucket", "key", "other"), IsOk());
  EXPECT_EQ(blocking_->CompleteMultipart(request).error().origin().s3_code, "NoSuchUpload");
}

TEST_F(DirectoryStoreTest, RandomETagsDifferForTheSameBytesAndAreNoMd5) {
  Start({.durability = Durability::kNone, .etags = Etags::kRandom}, 4);
  const auto one = blocking_->Put("bucket", "a", "same");
  const auto other = blocking_->Put("bucket", "b", "same");
  ASSERT_THAT(one, IsOk());
  EXPECT_THAT(one->etag, ::testing::MatchesRegex("[0-9a-f]{32}-1"));
  EXPECT_NE(one->etag, other->etag);
  EXPECT_EQ(blocking_->Head("bucket", "a")->info.etag, one->etag);
  const MultipartUpload upload = StartUpload("parts");
  const std::vector<PartInfo> parts = {Upload(upload, 1, "same"), Upload(upload, 2, "same")};
  EXPECT_NE(parts[0].etag, parts[1].etag);
  EXPECT_TRUE(parts[0].etag.ends_with("-1"));
  const auto whole = blocking_->CompleteMultipart({.upload = upload, .parts = parts});
  ASSERT_THAT(whole, IsOk());
  EXPECT_THAT(whole->etag, ::testing::MatchesRegex("[0-9a-f]{32}-2"));
  EXPECT_EQ(*blocking_->Get("bucket", "parts"), "samesame");
  // A client that did not hear the answer.
  EXPECT_EQ(blocking_->CompleteMultipart({.upload = upload, .parts = parts})->etag, whole->etag);
}

TEST_F(DirectoryStoreTest, EveryChecksumOfAnUploadIsOfItsPartsOrOfTheWhole) {
  for (const ChecksumAlgorithm algorithm : kChecksumAlgorithms) {
    SCOPED_TRACE(ChecksumName(algorithm));
    const MultipartUpload upload = StartUpload("key", algorithm);
    const std::vector<PartInfo> parts = {Upload(upload, 1, "one"), Upload(upload, 2, "two")};
    EXPECT_EQ(parts[0].checksum, ChecksumOf(algorithm, AsBytes("one")));
    const auto made = blocking_->CompleteMultipart({.upload = upload, .parts = parts});
    ASSERT_THAT(made, IsOk());
    ASSERT_TRUE(made->checksum);
    if (algorithm == ChecksumAlgorithm::kCrc64Nvme) {
      EXPECT_EQ(made->checksum, ChecksumOf(algorithm, AsBytes("onetwo")));
    } else {
      const std::string raw = Base64Decode(parts[0].checksum->value).value() +
                              Base64Decode(parts[1].checksum->value).value();
      EXPECT_EQ(made->checksum->value, ChecksumOf(algorithm, AsBytes(raw)).value + "-2");
      EXPECT_TRUE(made->checksum->is_composite);
    }
    EXPECT_EQ(blocking_->Head("bucket", "key")->checksum, made->checksum);
  }
}

TEST_F(DirectoryStoreTest, WhatIsSaidOfTheWholeIsVerifiedWithoutSumsOfItsParts) {
  const MultipartUpload upload = StartUpload("key");
  CompleteMultipartRequest request{.upload = upload,
                                   .parts = {Upload(upload, 1, "one"), Upload(upload, 2, "two")}};
  for (const ChecksumAlgorithm algorithm :
       {ChecksumAlgorithm::kCrc64Nvme, ChecksumAlgorithm::kCrc32}) {
    request.checksum = ChecksumOf(algorithm, AsBytes("onetwO"));
    EXPECT_EQ(blocking_->CompleteMultipart(request).error().origin().s3_code, "BadDigest");
  }
  request.checksum = ChecksumOf(ChecksumAlgorithm::kCrc64Nvme, AsBytes("onetwo"));
  const auto made = blocking_->CompleteMultipart(request);
  ASSERT_THAT(made, IsOk());
  EXPECT_EQ(made->checksum, request.checksum);
  EXPECT_EQ(blocking_->Head("bucket", "key")->checksum, request.checksum);
}

TEST_F(DirectoryStoreTest, PagesOfNothingAreNotToBeContinued) {
  const MultipartUpload upload = StartUpload("key");
  Upload(upload, 1, "one");
  const ListPartsRequest parts{.upload = upload, .count_max = 0};
  EXPECT_FALSE(blocking_->Run(store_->ListParts(parts, blocking_->context))->is_truncated);
  const ListUploadsRequest uploads{.bucket = "bucket", .count_max = 0};
  EXPECT_FALSE(blocking_->Run(store_->ListUploads(uploads, blocking_->context))->is_truncated);
}

TEST_F(DirectoryStoreTest, APartOfAnotherAlgorithmThanItsUploadIsRefused) {
  const MultipartUpload upload = StartUpload("key", ChecksumAlgorithm::kSha256);
  const UploadPartRequest request{
      .upload = upload, .checksum = ChecksumOf(ChecksumAlgorithm::kCrc32, AsBytes("text"))};
  EXPECT_EQ(blocking_->UploadPart(request, "text").error().origin().s3_code, "InvalidRequest");
}

TEST_F(DirectoryStoreTest, UploadsAreListedWithADelimiterPageByPage) {
  for (const char* const key : {"a", "b/1", "b/2", "c", "d/1"}) StartUpload(key);
  std::vector<std::string> seen;
  ListUploadsRequest request{.bucket = "bucket", .delimiter = "/", .count_max = 1};
  while (true) {
    const auto page = blocking_->Run(store_->ListUploads(request, blocking_->context));
    ASSERT_THAT(page, IsOk());
    ASSERT_EQ(page->uploads.size() + page->common_prefixes.size(), 1U);
    const bool is_prefix = page->uploads.empty();
    const std::string key = is_prefix ? page->common_prefixes[0] : page->uploads[0].upload.key;
    seen.push_back(key);
    if (!page->is_truncated) break;
    request.key_after = key;
    request.upload_id_after = is_prefix ? "" : page->uploads[0].upload.upload_id;
  }
  EXPECT_THAT(seen, ElementsAre("a", "b/", "c", "d/"));
}

TEST_F(DirectoryStoreTest, AStartCollectsPartsThatNoUploadHasAndKeepsTheOthers) {
  const MultipartUpload upload = StartUpload("key");
  const PartInfo part = Upload(upload, 1, "text");
  const MultipartUpload begun = StartUpload("begun");
  const auto parts = std::filesystem::path(folder_.string()) / ".headrace/parts";
  std::filesystem::create_directories(parts / "feedface");
  std::ofstream(parts / "feedface/1-00") << "stale";
  std::ofstream(parts / upload.upload_id / "1-stale") << "stale";
  std::ofstream(Reserved("tmp/77")) << "stale";
  Restart();
  EXPECT_THAT(PartFolders(), ::testing::UnorderedElementsAre(upload.upload_id, begun.upload_id));
  EXPECT_FALSE(std::filesystem::exists(parts / upload.upload_id / "1-stale"));
  EXPECT_TRUE(std::filesystem::is_empty(std::filesystem::path(folder_.string()) / ".headrace/tmp"));
  EXPECT_THAT(blocking_->CompleteMultipart({.upload = upload, .parts = {part}}), IsOk());
  Upload(begun, 1, "text");
}

TEST_F(DirectoryStoreTest, LinksThatLeaveTheBucketAreNoObjects) {
  std::ofstream(Path("secret")) << "secret";
  std::filesystem::create_directories(PathOf("."));
  std::filesystem::create_symlink("../secret", PathOf("link"));
  std::filesystem::create_symlink(folder_.string(), PathOf("all"));
  WriteByHand("inside", "text");
  std::filesystem::create_symlink("inside", PathOf("good"));
  EXPECT_THAT(*blocking_->Keys("bucket"), ElementsAre("good", "inside"));
  for (const char* const key : {"link", "all/secret", "../secret", "a/../../secret"}) {
    EXPECT_THAT(blocking_->Get("bucket", key), HasCode(ErrorCode::kNotFound)) << key;
  }
  EXPECT_EQ(blocking_->Get("bucket", "good").value(), "text");
  ASSERT_THAT(blocking_->Put("bucket", "all/secret", "taken"), IsOk());
  EXPECT_EQ(std::filesystem::file_size(Path("secret")), 6U);
}

}  // namespace
}  // namespace headrace::directory
