// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/transfer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/gate.h"
#include "headrace/base/random.h"
#include "headrace/deliver/file/multipart.h"
#include "headrace/deliver/file/partial_file.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "headrace/store/s3_limits.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::file {
namespace {

namespace fs = std::filesystem;
using headrace::testing::BlockingStore;
using headrace::testing::HasCode;
using headrace::testing::IsOk;
using ::testing::HasSubstr;

class CountingObserver final : public TransferObserver {
 public:
  void OnBytes(uint64_t size_bytes) override { bytes += size_bytes; }
  void OnItemDone(size_t) override { ++done; }
  void OnItemFailed(size_t index, const Error& error) override {
    const MutexLock lock(mutex);
    failures.emplace(index, error);
  }
  std::atomic<uint64_t> bytes = 0;
  std::atomic<int> done = 0;
  Mutex mutex;
  std::map<size_t, Error> failures;
};

template <typename Item>
ItemSource<Item> SourceOf(std::vector<Item> items) {
  return [items = std::move(items), next = size_t{0}]() mutable -> Result<std::optional<Item>> {
    if (next == items.size()) return std::optional<Item>();
    return std::optional<Item>(items[next++]);
  };
}

class TransferTest : public ::testing::Test {
 protected:
  TransferTest() { EXPECT_THAT(store_.CreateBucket("data"), IsOk()); }

  std::string Path(const std::string& name) const { return folder_.Path(name); }
  std::string GivenObject(const std::string& key, size_t size_bytes) {
    Random random(size_bytes + 1);
    std::string text(size_bytes, '\0');
    for (char& c : text) c = static_cast<char>(random.Next());
    EXPECT_THAT(store_.Put("data", key, text), IsOk());
    return text;
  }
  DownloadItem ItemFor(const std::string& key) {
    const ObjectInfo info = store_.Head("data", key)->info;
    return {.bucket = "data",
            .key = key,
            .size_bytes = info.size_bytes,
            .etag = info.etag,
            .modified = info.modified,
            .path = Path(key)};
  }
  static std::string ReadAll(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
  }
  size_t FileCount() const {
    size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(folder_.path())) {
      count += entry.is_regular_file() ? 1 : 0;
    }
    return count;
  }

  const TransferOptions small_parts_{
      .part_size_bytes = 1000, .memory_bytes_max = 5000, .upload_memory_bytes_max = 5000};

  headrace::testing::TempDir folder_;
  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{2};
  CountingObserver observer_;
  CallContext context_;
};

TEST_F(TransferTest, DownloadsSmallLargeAndEmptyObjectsWithTheirTimes) {
  const std::string small = GivenObject("x/small", 999);
  const std::string large = GivenObject("x/y/large", 123'456);
  GivenObject("x/empty", 0);
  Transfer transfer(memory_, loops_, small_parts_);
  const auto report = transfer.Download(
      SourceOf<DownloadItem>({ItemFor("x/small"), ItemFor("x/y/large"), ItemFor("x/empty")}),
      observer_, context_);
  EXPECT_FALSE(report.error.has_value());
  EXPECT_EQ(report.items_done, 3U);
  EXPECT_EQ(report.bytes, 999U + 123'456U);
  EXPECT_EQ(observer_.bytes, report.bytes);
  EXPECT_EQ(ReadAll(Path("x/small")), small);
  EXPECT_EQ(ReadAll(Path("x/y/large")), large);
  EXPECT_EQ(ReadAll(Path("x/empty")), "");
  EXPECT_EQ(FileCount(), 3U);
  struct stat status{};
  ASSERT_EQ(stat(Path("x/small").c_str(), &status), 0);
  const auto listed = std::chrono::floor<std::chrono::seconds>(ItemFor("x/small").modified);
  EXPECT_EQ(status.st_mtim.tv_sec, listed.time_since_epoch().count());
}

TEST_F(TransferTest, AReplacedObjectFailsItsItemAndLeavesTheOldFile) {
  GivenObject("a", 5000);
  GivenObject("b", 10);
  DownloadItem stale = ItemFor("a");
  GivenObject("a", 5001);
  std::ofstream(Path("a")) << "before";
  Transfer transfer(memory_, loops_, small_parts_);
  const auto report =
      transfer.Download(SourceOf<DownloadItem>({stale, ItemFor("b")}), observer_, context_);
  EXPECT_EQ(report.items_failed, 1U);
  EXPECT_EQ(report.items_done, 1U);
  EXPECT_EQ(observer_.failures.at(0).code(), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(ReadAll(Path("a")), "before");
  EXPECT_EQ(FileCount(), 2U);
}

TEST_F(TransferTest, AFileWhereAFolderIsNeededIsNamed) {
  GivenObject("dir/file", 10);
  std::ofstream(Path("dir")) << "in the way";
  Transfer transfer(memory_, loops_, {});
  const auto report =
      transfer.Download(SourceOf<DownloadItem>({ItemFor("dir/file")}), observer_, context_);
  EXPECT_EQ(report.items_failed, 1U);
  EXPECT_THAT(observer_.failures.at(0).message(), HasSubstr("a file stands where a folder"));
  EXPECT_EQ(ReadAll(Path("dir")), "in the way");
}

TEST_F(TransferTest, WhatIsNoPlainFileIsNotReplacedByOne) {
  GivenObject("pipe", 10);
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  fs::create_symlink("pipe", folder_.path() / "link");
  DownloadItem through_link = ItemFor("pipe");
  through_link.path = Path("link");
  Transfer transfer(memory_, loops_, {});
  const auto report = transfer.Download(SourceOf<DownloadItem>({ItemFor("pipe"), through_link}),
                                        observer_, context_);
  EXPECT_EQ(report.items_failed, 2U);
  EXPECT_THAT(observer_.failures.at(0).message(), HasSubstr("no plain file"));
  EXPECT_TRUE(fs::is_fifo(folder_.path() / "pipe"));
  EXPECT_TRUE(fs::is_symlink(folder_.path() / "link"));
  EXPECT_EQ(FileCount(), 0U);
}

TEST_F(TransferTest, ACancelledDownloadLeavesNoTemporaryFile) {
  GivenObject("a", 100'000);
  std::stop_source stop;
  stop.request_stop();
  const CallContext context{.stop = stop.get_token()};
  Transfer transfer(memory_, loops_, small_parts_);
  const auto report = transfer.Download(SourceOf<DownloadItem>({ItemFor("a")}), observer_, context);
  ASSERT_TRUE(report.error.has_value());
  EXPECT_EQ(report.error->code(), ErrorCode::kCancelled);
  EXPECT_EQ(FileCount(), 0U);
}

TEST_F(TransferTest, ASourceThatFailsEndsTheTransferWithItsError) {
  Transfer transfer(memory_, loops_, {});
  const auto report = transfer.Download(
      []() -> Result<std::optional<DownloadItem>> {
        return Fail(ErrorCode::kNotFound, "no such bucket");
      },
      observer_, context_);
  ASSERT_TRUE(report.error.has_value());
  EXPECT_EQ(report.error->code(), ErrorCode::kNotFound);
}

TEST_F(TransferTest, UploadsWholeAndInParts) {
  const std::string small(1000, 's');
  std::string large;
  for (int i = 0; i < 40'000; ++i) large += static_cast<char>(i * 7);
  std::ofstream(Path("small"), std::ios::binary) << small;
  std::ofstream(Path("large"), std::ios::binary) << large;
  const ObjectAttributes attributes{.content_type = "text/plain"};
  Transfer transfer(memory_, loops_, small_parts_);
  const auto report = transfer.Upload(SourceOf<UploadItem>({{.path = Path("small"),
                                                             .size_bytes = small.size(),
                                                             .bucket = "data",
                                                             .key = "s",
                                                             .attributes = attributes},
                                                            {.path = Path("large"),
                                                             .size_bytes = large.size(),
                                                             .bucket = "data",
                                                             .key = "l",
                                                             .attributes = attributes}}),
                                      observer_, context_);
  EXPECT_EQ(report.items_done, 2U);
  EXPECT_EQ(observer_.bytes, small.size() + large.size());
  EXPECT_EQ(store_.Get("data", "s").value(), small);
  EXPECT_EQ(store_.Get("data", "l").value(), large);
  EXPECT_THAT(store_.Head("data", "l")->info.etag, HasSubstr("-40"));
  EXPECT_EQ(store_.Head("data", "l")->attributes.content_type, "text/plain");
}

TEST_F(TransferTest, AFileOfAnotherSizeThanListedIsNotUploaded) {
  std::ofstream(Path("f")) << "grown since";
  Transfer transfer(memory_, loops_, {});
  const auto report = transfer.Upload(
      SourceOf<UploadItem>({{.path = Path("f"), .size_bytes = 5, .bucket = "data", .key = "f"}}),
      observer_, context_);
  EXPECT_EQ(report.items_failed, 1U);
  EXPECT_THAT(observer_.failures.at(0).message(), HasSubstr("changed while it was uploaded"));
  EXPECT_THAT(store_.Head("data", "f"), HasCode(ErrorCode::kNotFound));
}

TEST_F(TransferTest, AFileThatIsWrittenToBetweenItsPartsIsNotUploaded) {
  std::ofstream(Path("f")) << std::string(3000, 'a');
  FaultyStore faulty(memory_);
  auto gate = std::make_shared<Gate>();
  faulty.Add({.operation = StoreOperation::kUploadPart, .gate = gate});
  std::jthread writer([&, path = Path("f")] {
    faulty.AwaitGated(1);
    std::ofstream(path) << std::string(3000, 'b');
    const timespec time{.tv_sec = 1'000, .tv_nsec = 0};
    const timespec times[2] = {time, time};
    utimensat(AT_FDCWD, path.c_str(), times, 0);
    gate->Open();
  });
  TransferOptions one_by_one = small_parts_;
  one_by_one.upload_requests_max = 1;
  Transfer transfer(faulty, loops_, one_by_one);
  const auto report = transfer.Upload(
      SourceOf<UploadItem>({{.path = Path("f"), .size_bytes = 3000, .bucket = "data", .key = "f"}}),
      observer_, context_);
  EXPECT_EQ(report.items_failed, 1U);
  EXPECT_EQ(observer_.failures.at(0).code(), ErrorCode::kPreconditionFailed);
  EXPECT_THAT(store_.Head("data", "f"), HasCode(ErrorCode::kNotFound));
}

TEST_F(TransferTest, AFileWithBytesAndNoSizeIsNotUploadedEmpty) {
  Transfer transfer(memory_, loops_, {});
  const auto report = transfer.Upload(
      SourceOf<UploadItem>({{.path = "/proc/self/status", .bucket = "data", .key = "f"}}),
      observer_, context_);
  EXPECT_EQ(report.items_failed, 1U);
  EXPECT_THAT(observer_.failures.at(0).message(), HasSubstr("does not tell its size"));
  EXPECT_THAT(store_.Head("data", "f"), HasCode(ErrorCode::kNotFound));
}

TEST_F(TransferTest, AFileOfNoSizeThatCannotBeReadIsNotUploadedEmpty) {
  Transfer transfer(memory_, loops_, {});
  // Nothing is mapped at the address 0.
  const auto report = transfer.Upload(
      SourceOf<UploadItem>({{.path = "/proc/self/mem", .bucket = "data", .key = "f"}}), observer_,
      context_);
  EXPECT_EQ(report.items_failed, 1U);
  EXPECT_THAT(store_.Head("data", "f"), HasCode(ErrorCode::kNotFound));
}

TEST_F(TransferTest, CopiesKeepBytes) {
  const std::string text = GivenObject("from", 4321);
  Transfer transfer(memory_, loops_, {});
  const auto report = transfer.Copy(SourceOf<CopyItem>({{.source_bucket = "data",
                                                         .source_key = "from",
                                                         .size_bytes = 4321,
                                                         .bucket = "data",
                                                         .key = "to"}}),
                                    observer_, context_);
  EXPECT_EQ(report.items_done, 1U);
  EXPECT_EQ(store_.Get("data", "to").value(), text);
}

TEST_F(TransferTest, CopiesWithNewAttributesAskForTheOldOnesAllAtOnce) {
  constexpr size_t kCount = 8;
  std::vector<CopyItem> items;
  for (size_t i = 0; i < kCount; ++i) {
    const std::string key = "from" + std::to_string(i);
    const PutRequest put{
        .bucket = "data", .key = key, .attributes = {.content_type = "text/x" + std::to_string(i)}};
    ASSERT_THAT(store_.Put(put, "x"), IsOk());
    items.push_back({.source_bucket = "data",
                     .source_key = key,
                     .size_bytes = 1,
                     .source_etag = store_.Head("data", key)->info.etag,
                     .bucket = "data",
                     .key = "to" + std::to_string(i),
                     .change_attributes = [](ObjectAttributes source) -> Result<ObjectAttributes> {
                       source.cache_control = "no-store";
                       return source;
                     }});
  }
  FaultyStore faulty(memory_);
  auto gate = std::make_shared<Gate>();
  faulty.Add(
      {.operation = StoreOperation::kHead, .call_count = StoreFault::kEveryCall, .gate = gate});
  // Only HEADs that wait side by side open the gate.
  std::jthread opener([&faulty, gate] {
    faulty.AwaitGated(kCount);
    gate->Open();
  });
  Transfer transfer(faulty, loops_, {});
  const auto report = transfer.Copy(SourceOf<CopyItem>(items), observer_, context_);
  EXPECT_EQ(report.items_done, kCount);
  for (size_t i = 0; i < kCount; ++i) {
    const auto head = store_.Head("data", "to" + std::to_string(i));
    ASSERT_THAT(head, IsOk());
    EXPECT_EQ(head->attributes.content_type, "text/x" + std::to_string(i));
    EXPECT_EQ(head->attributes.cache_control, "no-store");
  }
}

TEST_F(TransferTest, ACopyWhoseAttributesCannotBeMadeFailsAlone) {
  GivenObject("from", 10);
  const CopyItem bad{.source_bucket = "data",
                     .source_key = "from",
                     .size_bytes = 10,
                     .bucket = "data",
                     .key = "to",
                     .change_attributes = [](const ObjectAttributes&) -> Result<ObjectAttributes> {
                       return Fail(ErrorCode::kInvalidArgument, "no such class");
                     }};
  Transfer transfer(memory_, loops_, {});
  const auto report = transfer.Copy(SourceOf<CopyItem>({bad}), observer_, context_);
  EXPECT_EQ(report.items_failed, 1U);
  EXPECT_EQ(observer_.failures.at(0).message(), "no such class");
  EXPECT_THAT(store_.Head("data", "to"), HasCode(ErrorCode::kNotFound));
}

TEST(PartSizeFor, GrowsInWholeMebibytesOnceTenThousandPartsAreNotEnough) {
  constexpr uint64_t kMebibyte = 1ULL << 20U;
  EXPECT_EQ(PartSizeFor(100, 8 * kMebibyte), 8 * kMebibyte);
  EXPECT_EQ(PartSizeFor(kPartCountMax * 8 * kMebibyte, 8 * kMebibyte), 8 * kMebibyte);
  EXPECT_EQ(PartSizeFor(kPartCountMax * 8 * kMebibyte + 1, 8 * kMebibyte), 9 * kMebibyte);
}

}  // namespace
}  // namespace headrace::file
