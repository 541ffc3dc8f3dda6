// SPDX-License-Identifier: Apache-2.0
// What a directory store finds at its start: another version's database, parts that a crash of the
// machine has damaged, files put there by hand and asked for by many at once.
#include <filesystem>
#include <fstream>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/work_pool.h"
#include "headrace/store/directory/directory_store.h"
#include "headrace/store/directory/sqlite.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::directory {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::HasCode;
using headrace::testing::IsOk;
using ::testing::HasSubstr;

class DirectoryStoreStartTest : public ::testing::Test {
 protected:
  void Start(const std::string& boot = "boot", size_t thread_count = 2) {
    Stop();
    pool_.emplace(thread_count);
    store_ = DirectoryStore::Open(
                 folder_.string(), *pool_,
                 {.durability = Durability::kObject, .part_size_bytes_min = 1, .boot = boot})
                 .value();
    blocking_.emplace(*store_);
  }
  void Stop() {
    store_.reset();
    pool_.reset();
    blocking_.reset();
  }
  std::filesystem::path Path(const std::string& name) const {
    return std::filesystem::path(folder_.string()) / name;
  }
  std::filesystem::path Reserved(const std::string& name) const {
    return Path(".headrace/" + name);
  }
  // The files of an upload's parts.
  std::vector<std::filesystem::path> PartFiles(const MultipartUpload& upload) const {
    const std::filesystem::directory_iterator files(Reserved("parts/" + upload.upload_id));
    return {begin(files), end(files)};
  }
  MultipartUpload StartUpload(const std::string& key) {
    return blocking_->CreateMultipart({.bucket = "bucket", .key = key}).value();
  }
  PartInfo Upload(const MultipartUpload& upload, uint32_t number, std::string_view text) {
    return blocking_->UploadPart({.upload = upload, .part_number = number}, text).value();
  }

  testing::TempDir folder_;
  // Ends last: a thread of the pool may still be handing a result to its loops.
  std::optional<BlockingStore> blocking_;
  std::optional<WorkPool> pool_;
  std::unique_ptr<DirectoryStore> store_;
};

TEST_F(DirectoryStoreStartTest, ADatabaseOfANewerFormatIsRefusedAndLeftAsItIs) {
  Start();
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

TEST_F(DirectoryStoreStartTest, PartsOfAnEarlierBootAreTakenIfTheyAreWhole) {
  Start("before");
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  const MultipartUpload whole = StartUpload("whole");
  const MultipartUpload damaged = StartUpload("damaged");
  const PartInfo whole_part = Upload(whole, 1, "part");
  const PartInfo damaged_part = Upload(damaged, 1, "part");
  // What a file system may show of a file that was not flushed when the power went.
  std::ofstream(PartFiles(damaged).front()) << std::string("p\0\0\0", 4);
  Start("after");
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
  Start();
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  const MultipartUpload upload = StartUpload("key");
  Upload(upload, 1, "text");
  ASSERT_THAT(blocking_->DeleteBucket("bucket"), IsOk());
  EXPECT_FALSE(std::filesystem::exists(Reserved("parts/" + upload.upload_id)));
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  EXPECT_EQ(blocking_->AbortMultipart(upload).error().origin().s3_code, "NoSuchUpload");
}

TEST_F(DirectoryStoreStartTest, RowsOfPartsWithoutAnUploadGoWithTheirFiles) {
  Start();
  ASSERT_THAT(blocking_->CreateBucket("bucket"), IsOk());
  const MultipartUpload upload = StartUpload("key");
  Upload(upload, 1, "text");
  Stop();
  {
    Database database = Database::Open(Reserved("index.sqlite")).value();
    ASSERT_THAT(database.Execute("DELETE FROM uploads"), IsOk());
  }
  Start();
  EXPECT_FALSE(std::filesystem::exists(Reserved("parts/" + upload.upload_id)));
  Database database = Database::Open(Reserved("index.sqlite")).value();
  Statement parts = database.Prepare("SELECT * FROM parts").value();
  EXPECT_FALSE(parts.Step().value());
}

TEST_F(DirectoryStoreStartTest, ReadersOfANewFileWaitForOneComputationOfItsETag) {
  Start("boot", 1);
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
