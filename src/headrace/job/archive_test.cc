// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/archive.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <climits>
#include <cstdio>
#include <filesystem>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/unique_fd.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::job {
namespace {

namespace fs = std::filesystem;
using headrace::testing::BlockingStore;
using headrace::testing::HasCode;
using headrace::testing::IsOk;
using ::testing::ElementsAre;

class ArchiveTest : public ::testing::Test {
 protected:
  ArchiveTest() {
    fs::create_directories(folder_.path() / "model");
    fs::create_directories(folder_.path() / "out");
    EXPECT_THAT(store_.CreateBucket("results"), IsOk());
  }

  std::string Model() const { return folder_.Path("model"); }
  void Write(const std::string& name, const std::string& text) {
    folder_.Write("model/" + name, text);
  }
  Result<uint64_t> Upload(const ArchiveOptions& options = {}) {
    HR_TRY_ASSIGN(const ArchiveContents contents, ScanFolder(Model()));
    return UploadArchive(memory_, loops_, contents, kTarget, options, store_.context);
  }
  // Unpacks what was uploaded with the machine's own tar.
  void Unpack() {
    folder_.Write("a.tar.gz", store_.Get(kTarget.bucket, kTarget.key).value());
    const std::string command =
        fmt::format("tar -xzf {0}/a.tar.gz -C {0}/out 2>&1", folder_.string());
    ASSERT_EQ(std::system(command.c_str()), 0);
  }
  std::string ReadOut(const std::string& name) { return folder_.Read("out/" + name); }

  const S3Uri kTarget{.bucket = "results", .key = "jobs/j/output/model.tar.gz"};
  testing::TempDir folder_;
  MemoryStore memory_{RealClock()};
  EventLoops loops_{1};
  BlockingStore store_{memory_};
};

std::string RandomText(size_t size_bytes) {
  Random random(size_bytes);
  std::string text(size_bytes, '\0');
  for (char& c : text) c = static_cast<char>(random.Next());
  return text;
}

TEST_F(ArchiveTest, PutsTopLevelEntriesAtTheRoot) {
  Write("weights.bin", "w");
  Write("sub/vocab.txt", "v");
  fs::create_directories(folder_.path() / "model/empty");
  ASSERT_THAT(Upload(), IsOk());
  Unpack();
  EXPECT_EQ(ReadOut("weights.bin"), "w");
  EXPECT_EQ(ReadOut("sub/vocab.txt"), "v");
  EXPECT_TRUE(fs::is_directory(folder_.path() / "out/empty"));
}

TEST_F(ArchiveTest, GoesUpInPartsWhenItIsLarge) {
  const std::string noise = RandomText(1'000'000);
  Write("weights.bin", noise);
  ASSERT_THAT(Upload({.upload = {.part_size_bytes = 100'000}}), IsOk());
  const std::string etag = store_.Head(kTarget.bucket, kTarget.key)->info.etag;
  EXPECT_TRUE(etag.ends_with("-11")) << etag;
  Unpack();
  EXPECT_EQ(ReadOut("weights.bin"), noise);
}

TEST_F(ArchiveTest, LeavesOutWhatTheKernelMakesUp) {
  Write("weights", "w");
  fs::create_directory_symlink("/proc/self", folder_.path() / "model/process");
  fs::create_symlink("/proc/self/status", folder_.path() / "model/status");
  const auto contents = ScanFolder(Model());
  ASSERT_THAT(contents, IsOk());
  EXPECT_THAT(contents->skipped, ElementsAre("process", "status"));
  EXPECT_EQ(contents->members.size(), 1U);
  EXPECT_TRUE(contents->unreadable.empty());
}

TEST_F(ArchiveTest, GoesOnBehindWhatCannotBeRead) {
  Write("z-last", "z");
  // Deeper than any path the kernel takes.
  const std::string name(200, 'd');
  UniqueFd at(open(Model().c_str(), O_RDONLY | O_DIRECTORY));
  for (int depth = 0; depth < PATH_MAX / 200 + 1; ++depth) {
    ASSERT_EQ(mkdirat(at.get(), name.c_str(), 0755), 0);
    at = UniqueFd(openat(at.get(), name.c_str(), O_RDONLY | O_DIRECTORY));
  }
  const auto contents = ScanFolder(Model());
  ASSERT_THAT(contents, IsOk());
  EXPECT_EQ(contents->unreadable.size(), 1U);
  EXPECT_EQ(contents->members.back().entry.name, "z-last");
}

TEST_F(ArchiveTest, FollowsLinksButKeepsThoseThatLeadNowhereOrBack) {
  Write("real/file", "text");
  fs::create_symlink("real/file", folder_.path() / "model/link");
  fs::create_directory_symlink("real", folder_.path() / "model/folder-link");
  fs::create_symlink("nowhere", folder_.path() / "model/dangling");
  fs::create_directory_symlink("..", folder_.path() / "model/real/loop");
  ASSERT_THAT(Upload(), IsOk());
  Unpack();
  EXPECT_FALSE(fs::is_symlink(folder_.path() / "out/link"));
  EXPECT_EQ(ReadOut("link"), "text");
  EXPECT_EQ(ReadOut("folder-link/file"), "text");
  EXPECT_EQ(fs::read_symlink(folder_.path() / "out/dangling"), "nowhere");
  EXPECT_EQ(fs::read_symlink(folder_.path() / "out/real/loop"), "..");
}

TEST_F(ArchiveTest, NamesWhatTarCannotHold) {
  ASSERT_EQ(mkfifo((Model() + "/pipe").c_str(), 0600), 0);
  EXPECT_THAT(ScanFolder(Model())->skipped, ElementsAre("pipe"));
}

TEST_F(ArchiveTest, IsTheSameForEqualTrees) {
  Write("b", "2");
  Write("a", "1");
  fs::last_write_time(folder_.path() / "model/a", fs::file_time_type{});
  fs::last_write_time(folder_.path() / "model/b", fs::file_time_type{});
  ASSERT_THAT(Upload(), IsOk());
  const std::string first = store_.Get(kTarget.bucket, kTarget.key).value();
  ASSERT_THAT(Upload(), IsOk());
  EXPECT_EQ(store_.Get(kTarget.bucket, kTarget.key).value(), first);
}

TEST_F(ArchiveTest, LeavesNoObjectBehindWhenAFileChanges) {
  Write("weights.bin", RandomText(1000));
  ArchiveContents contents = ScanFolder(Model()).value();
  Write("weights.bin", RandomText(500'000));
  EXPECT_THAT(UploadArchive(memory_, loops_, contents, kTarget,
                            {.upload = {.part_size_bytes = 1000}}, store_.context),
              HasCode(ErrorCode::kPreconditionFailed));
  EXPECT_THAT(store_.Head(kTarget.bucket, kTarget.key), HasCode(ErrorCode::kNotFound));
}

TEST_F(ArchiveTest, SaysThatTheBucketIsMissing) {
  Write("a", "1");
  const ArchiveContents contents = ScanFolder(Model()).value();
  const S3Uri nowhere{.bucket = "nowhere", .key = "k"};
  EXPECT_THAT(UploadArchive(memory_, loops_, contents, nowhere, {}, store_.context),
              HasCode(ErrorCode::kNotFound));
}

}  // namespace
}  // namespace headrace::job
