// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/file_sink.h"

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "testing/temp_dir.h"
#include "testing/thread_gate.h"

namespace headrace::file {
namespace {

using headrace::testing::TempDir;
using headrace::testing::ThreadGate;

// Holds the first thread that has written something, and tells of ends.
class HoldingObserver final : public TransferObserver {
 public:
  void OnBytes(uint64_t) override {
    if (!was_held_.exchange(true)) gate->Wait();
  }
  void OnItemDone(size_t) override { ended->Open(); }
  void OnItemFailed(size_t, const Error&) override { ended->Open(); }

  const std::shared_ptr<ThreadGate> gate = ThreadGate::Make();
  const std::shared_ptr<ThreadGate> ended = ThreadGate::Make();

 private:
  std::atomic<bool> was_held_ = false;
};

class FileSinkTest : public ::testing::Test {
 protected:
  static constexpr size_t kPartBytes = 1000;

  void Give(uint64_t part_index, char content, size_t read_index = 0) {
    auto bytes = memory_->TryTake(account_, kPartBytes);
    ASSERT_TRUE(bytes.has_value());
    std::ranges::fill(bytes->Find(), static_cast<std::byte>(content));
    sink_.OnPart(
        {.read_index = read_index, .offset = part_index * kPartBytes, .bytes = std::move(*bytes)});
  }
  size_t FileCount() const {
    const auto entries = std::filesystem::directory_iterator(folder_.path());
    return static_cast<size_t>(std::distance(begin(entries), end(entries)));
  }

  const TempDir folder_;
  const std::shared_ptr<fetch::MemoryBudget> memory_ = fetch::MemoryBudget::Make(1 << 20);
  const std::shared_ptr<fetch::MemoryAccount> account_ = memory_->OpenAccount(1 << 20);
  HoldingObserver observer_;
  Tally tally_{observer_};
  const TransferOptions options_{.part_size_bytes = kPartBytes};
  WorkPool files_{2};
  FileSink sink_{files_, options_, observer_, tally_};
};

TEST_F(FileSinkTest, AFileHasOneWriterAndOtherFilesGoOnBesideIt) {
  sink_.Add({.size_bytes = 2 * kPartBytes, .path = folder_.Path("file")}, 0);
  sink_.Add({.size_bytes = kPartBytes, .path = folder_.Path("other")}, 1);
  Give(0, 'a');
  observer_.gate->AwaitArrivals(1);
  const std::string partial =
      std::filesystem::directory_iterator(folder_.path())->path().filename();
  Give(1, 'b');
  Give(0, 'c', 1);
  sink_.OnReadEnd(1, Ok());
  observer_.ended->Wait();
  // The other thread came to the later file; the first one's part waits for its own.
  EXPECT_EQ(folder_.Read("other"), std::string(kPartBytes, 'c'));
  EXPECT_EQ(folder_.Read(partial), std::string(kPartBytes, 'a') + std::string(kPartBytes, '\0'));
  observer_.gate->Open();
  sink_.OnReadEnd(0, Ok());
  sink_.WaitForAll();
  EXPECT_EQ(folder_.Read("file"), std::string(kPartBytes, 'a') + std::string(kPartBytes, 'b'));
}

TEST_F(FileSinkTest, AsManyFilesAreFetchedSideBySideAsThereAreThreads) {
  const TransferOptions options{.file_threads = 5};
  EXPECT_EQ(FileSink(files_, options, observer_, tally_).reads_side_by_side(), 5U);
}

TEST_F(FileSinkTest, AFailedFileGivesTheMemoryOfAllItsPartsBackAtOnce) {
  sink_.Add({.size_bytes = 4 * kPartBytes, .path = folder_.Path("file")}, 0);
  Give(0, 'a');
  observer_.gate->AwaitArrivals(1);
  for (uint64_t part = 1; part < 4; ++part) Give(part, 'b');
  sink_.OnReadEnd(0, Fail(ErrorCode::kUnavailable, "lost"));
  observer_.gate->Open();
  sink_.WaitForAll();
  EXPECT_EQ(memory_->taken_bytes(), 0U);
  EXPECT_EQ(FileCount(), 0U);
  EXPECT_EQ(tally_.Report(Ok()).items_failed, 1U);
}

TEST_F(FileSinkTest, AReadThatIsGivenAgainNeverMeetsTheWritesOfItsFirstRound) {
  sink_.Add({.size_bytes = 2 * kPartBytes, .path = folder_.Path("file")}, 0);
  Give(0, 'x');
  observer_.gate->AwaitArrivals(1);
  // One thread is busy with damaged bytes; what else there is of them is still to be written.
  ASSERT_TRUE(sink_.MayGiveAgain(0));
  Give(0, 'a');
  Give(1, 'b');
  sink_.OnReadEnd(0, Ok());
  // The file does not wait for the damaged bytes, so it cannot hold them.
  observer_.ended->Wait();
  EXPECT_EQ(folder_.Read("file"), std::string(kPartBytes, 'a') + std::string(kPartBytes, 'b'));
  observer_.gate->Open();
  sink_.WaitForAll();
  EXPECT_EQ(FileCount(), 1U);
  EXPECT_EQ(tally_.Report(Ok()).items_done, 1U);
}

TEST_F(FileSinkTest, AReadThatIsGivenAgainHasTheRoomOfItsFirstRound) {
  sink_.Add({.size_bytes = 2 * kPartBytes, .path = folder_.Path("file")}, 0);
  Give(0, 'x');
  observer_.gate->AwaitArrivals(1);
  const auto damaged = std::filesystem::directory_iterator(folder_.path())->path();
  EXPECT_EQ(std::filesystem::file_size(damaged), 2 * kPartBytes);
  ASSERT_TRUE(sink_.MayGiveAgain(0));
  Give(0, 'a');
  Give(1, 'b');
  sink_.OnReadEnd(0, Ok());
  observer_.ended->Wait();
  // Its write still runs, so it is there, empty.
  EXPECT_EQ(std::filesystem::file_size(damaged), 0U);
  observer_.gate->Open();
  sink_.WaitForAll();
}

TEST_F(FileSinkTest, ADamagedFileIsGoneWithoutAPartOfItsSecondRound) {
  sink_.Add({.size_bytes = kPartBytes, .path = folder_.Path("file")}, 0);
  observer_.gate->Open();
  Give(0, 'x');
  ASSERT_TRUE(sink_.MayGiveAgain(0));
  sink_.OnReadEnd(0, Fail(ErrorCode::kUnavailable, "lost"));
  sink_.WaitForAll();
  EXPECT_EQ(FileCount(), 0U);
}

TEST_F(FileSinkTest, AFileThatCannotBeWrittenIsNotAskedForAgain) {
  folder_.Write("in-the-way", "");
  sink_.Add({.size_bytes = 2 * kPartBytes, .path = folder_.Path("in-the-way/file")}, 0);
  Give(0, 'x');
  while (memory_->taken_bytes() > 0) std::this_thread::yield();
  EXPECT_FALSE(sink_.MayGiveAgain(0));
  sink_.OnReadEnd(0, Fail(ErrorCode::kCorrupt, "damaged"));
  sink_.WaitForAll();
  EXPECT_EQ(tally_.Report(Ok()).items_failed, 1U);
}

}  // namespace
}  // namespace headrace::file
