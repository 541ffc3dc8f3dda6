// SPDX-License-Identifier: Apache-2.0
// What only the blocking half of a directory store can show: steps of two requests that interleave.
#include "headrace/store/directory/directory_core.h"

#include <barrier>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/encoding.h"
#include "headrace/base/work_pool.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::directory {
namespace {

using headrace::testing::IsOk;

class DirectoryCoreTest : public ::testing::Test {
 protected:
  DirectoryCoreTest() {
    Restart();
    EXPECT_THAT(core_->CreateBucket("bucket"), IsOk());
  }
  void Restart() {
    core_.reset();
    core_ = DirectoryCore::Open(folder_.string(), {.durability = Durability::kNone}).value();
  }
  Status Put(const std::string& key, std::string_view text, const std::string& content_type) {
    HR_TRY_ASSIGN(TemporaryFile file, core_->MakeFile("bucket", key));
    HR_TRY(WriteAll(file.file(), AsBytes(text)));
    Commit commit{.bucket = "bucket", .key = key};
    commit.object.head.attributes.content_type = content_type;
    HR_TRY(core_->Put(commit, {.file = std::move(file), .size_bytes = text.size(), .etag = "e"}));
    return Ok();
  }

  testing::TempDir folder_;
  std::unique_ptr<DirectoryCore> core_;
};

TEST_F(DirectoryCoreTest, AFileReplacedBetweenItsOpeningAndItsDescriptionIsTheNewOne) {
  ASSERT_THAT(Put("key", "old", "text/old"), IsOk());
  Restart();  // Nothing is cached.
  FoundFile found = core_->FindFile("bucket", "key").value();
  ASSERT_THAT(Put("key", "newer", "text/new"), IsOk());
  ASSERT_THAT(core_->Describe("bucket", "key", found), IsOk());
  EXPECT_EQ(found.record->object.head.attributes.content_type, "text/new");
  EXPECT_EQ(found.record->object.head.info.etag, "e");
  EXPECT_EQ(found.record->stamp, found.stamp);
  std::string text(5, '\0');
  ASSERT_THAT(ReadAt(found.file.get(), 0, std::as_writable_bytes(std::span(text))), IsOk());
  EXPECT_EQ(text, "newer");
}

TEST_F(DirectoryCoreTest, AFileDeletedBetweenItsOpeningAndItsDescriptionIsGone) {
  ASSERT_THAT(Put("key", "old", "text/old"), IsOk());
  Restart();
  FoundFile found = core_->FindFile("bucket", "key").value();
  ASSERT_THAT(core_->Delete("bucket", "key", {}), IsOk());
  EXPECT_EQ(core_->Describe("bucket", "key", found).error().origin().s3_code, "NoSuchKey");
}

TEST_F(DirectoryCoreTest, FilesAndFoldersMadeAtOnceAreAllListed) {
  constexpr int kRounds = 100;
  WorkPool pool(1);
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_THAT(core_->List({.bucket = "bucket"}, pool), IsOk());  // Cached from here on.
    const std::string name = std::to_string(round);
    std::barrier start(2);
    std::jthread files([&] {
      start.arrive_and_wait();
      for (const char* const end : {"-a", "-b", "-c"}) EXPECT_THAT(Put(name + end, "", ""), IsOk());
    });
    start.arrive_and_wait();
    for (const char* const end : {"+a/x", "+b/x", "+c/x"}) {
      EXPECT_THAT(Put(name + end, "", ""), IsOk());
    }
    files.join();
    const ListPage page = core_->List({.bucket = "bucket", .prefix = name}, pool).value();
    size_t count = 0;
    for (const ObjectInfo& object : page.objects) {
      count +=
          static_cast<size_t>(object.key[name.size()] == '+' || object.key[name.size()] == '-');
    }
    ASSERT_EQ(count, 6U) << "round " << round;
  }
}

}  // namespace
}  // namespace headrace::directory
