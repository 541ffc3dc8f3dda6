// SPDX-License-Identifier: Apache-2.0
// What a directory store finds at its start: another version's database, parts that a crash of the
// machine has damaged, files put there by hand and asked for by many at once.
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/directory/directory_store_fixture.h"
#include "headrace/store/directory/sqlite.h"
#include "testing/result_matchers.h"

namespace headrace::directory {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;
using ::testing::HasSubstr;

class DirectoryStoreStartTest : public DirectoryStoreFixture {
 protected:
  void StartAt(const std::string& boot = "boot", size_t thread_count = 2) {
    Start({.durability = Durability::kObject, .etags = etags_, .boot = boot}, thread_count);
  }
  // The files of an upload's parts.
  std::vector<std::filesystem::path> PartFiles(const MultipartUpload& upload) const {
    const std::filesystem::directory_iterator files(Reserved("parts/" + upload.upload_id));
    return {begin(files), end(files)};
  }

  Etags etags_ = Etags::kMd5;
};

class PartsOfAnEarlierBoot : public DirectoryStoreStartTest,
                             public ::testing::WithParamInterface<Etags> {
 protected:
  PartsOfAnEarlierBoot() { etags_ = GetParam(); }
};
INSTANTIATE_TEST_SUITE_P(EveryEtag, PartsOfAnEarlierBoot,
                         ::testing::Values(Etags::kMd5, Etags::kRandom));

TEST_F(DirectoryStoreStartTest, ADatabaseOfANewerFormatIsRefusedAndLeftAsItIs) {
  StartAt();
  Stop();
  {
    Database database = Database::Open(Reserved("index.sqlite")).value();
    ASSERT_THAT(database.Execute("PRAGMA user_version=7"), IsOk());
  }
  WorkPool pool(1);
  const auto opened = DirectoryStore::Open(folder_.string(), pool, {});
  EXPECT_THAT(opened, HasCode(ErrorCode::kUnsupported));
  EXPECT_THAT(opened.error().message(), HasSubstr("has format 7, and this headrace knows formats"));
}

TEST_P(PartsOfAnEarlierBoot, AreTakenIfTheyAreWhole) {
  StartAt("before");
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  const MultipartUpload whole = StartUpload("whole");
  const MultipartUpload damaged = StartUpload("damaged");
  const PartInfo whole_part = Upload(whole, 1, "part");
  const PartInfo damaged_part = Upload(damaged, 1, "part");
  // What a file system may show of a file that was not flushed when the power went.
  std::ofstream(PartFiles(damaged).front()) << std::string("p\0\0\0", 4);
  StartAt("after");
  EXPECT_THAT(blocking_->CompleteMultipart({.upload = whole, .parts = {whole_part}}), IsOk());
  EXPECT_EQ(blocking_->Get("bucket", "whole").value(), "part");
  const auto completed = blocking_->CompleteMultipart({.upload = damaged, .parts = {damaged_part}});
  ASSERT_FALSE(completed);
  EXPECT_EQ(completed.error().origin().s3_code, "InvalidPart");
  // The client that sends it again is served.
  const PartInfo again = Upload(damaged, 1, "part");
  EXPECT_THAT(blocking_->CompleteMultipart({.upload = damaged, .parts = {again}}), IsOk());
}

TEST_F(DirectoryStoreStartTest, ADeletedBucketTakesItsUploadsAlong) {
  StartAt();
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  const MultipartUpload upload = StartUpload("key");
  Upload(upload, 1, "text");
  ASSERT_THAT(blocking_->DeleteBucket("bucket"), IsOk());
  EXPECT_FALSE(std::filesystem::exists(Reserved("parts/" + upload.upload_id)));
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  EXPECT_EQ(blocking_->AbortMultipart(upload).error().origin().s3_code, "NoSuchUpload");
}

TEST_F(DirectoryStoreStartTest, RowsOfPartsWithoutAnUploadGoWithTheirFiles) {
  StartAt();
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  const MultipartUpload upload = StartUpload("key");
  Upload(upload, 1, "text");
  Stop();
  {
    Database database = Database::Open(Reserved("index.sqlite")).value();
    ASSERT_THAT(database.Execute("DELETE FROM uploads"), IsOk());
  }
  StartAt();
  EXPECT_FALSE(std::filesystem::exists(Reserved("parts/" + upload.upload_id)));
  Database database = Database::Open(Reserved("index.sqlite")).value();
  Statement parts = database.Prepare("SELECT * FROM parts").value();
  EXPECT_FALSE(parts.Step().value());
}

TEST_F(DirectoryStoreStartTest, ReadersOfANewFileWaitForOneComputationOfItsETag) {
  StartAt("boot", 1);
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  std::ofstream(Path("bucket/by-hand")) << "text";
  std::promise<void> gate;
  std::promise<void> is_busy;
  pool_->Post([&] {
    is_busy.set_value();
    gate.get_future().wait();
  });
  is_busy.get_future().wait();
  const HeadRequest request{.bucket = "bucket", .key = "by-hand"};
  constexpr int kReaders = 8;
  std::vector<std::future<std::string>> etags;
  for (int i = 0; i < kReaders; ++i) {
    auto promise = std::make_shared<std::promise<std::string>>();
    etags.push_back(promise->get_future());
    Spawn(blocking_->executor(), store_->Head(request, blocking_->context),
          [promise](const Result<ObjectHead>& head) { promise->set_value(head->info.etag); });
  }
  // Behind them on their loop: by then all are suspended.
  std::promise<size_t> queued;
  asio::post(blocking_->executor(), [&] { queued.set_value(pool_->queued_count()); });
  EXPECT_EQ(queued.get_future().get(), 1U);
  gate.set_value();
  for (auto& etag : etags) EXPECT_EQ(etag.get(), "1cb251ec0d568de6a929b520c4aed8d1");
}

TEST(DescribeFlights, TheFirstGoesAndTheOthersWaitUntilItHasLanded) {
  DescribeFlights flights;
  EXPECT_EQ(flights.Board("a"), nullptr);
  const auto waiting = flights.Board("a");
  ASSERT_NE(waiting, nullptr);
  EXPECT_EQ(flights.Board("b"), nullptr);
  EXPECT_FALSE(waiting->is_open());
  flights.Land("a");
  EXPECT_TRUE(waiting->is_open());
  EXPECT_EQ(flights.Board("a"), nullptr);
}

}  // namespace
}  // namespace headrace::directory
