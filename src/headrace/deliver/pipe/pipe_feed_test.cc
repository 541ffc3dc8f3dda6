// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/pipe/pipe_feed.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/gzip.h"
#include "testing/manual_clock.h"
#include "testing/result_matchers.h"
#include "testing/temp_dir.h"

namespace headrace::pipe {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::Gzip;
using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::ManualClock;
using headrace::testing::TempDir;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class PipeFeedTest : public ::testing::Test {
 protected:
  PipeFeedTest() {
    EXPECT_THAT(store_.CreateBucket("data"), IsOk());
    options_.folder = folder_.string();
    options_.channel = "train";
  }

  void GivenObject(const std::string& key, const std::string& text) {
    ASSERT_THAT(store_.Put("data", key, text), IsOk());
    PipeItem item;
    item.read = fetch::PlannedRead{.bucket = "data",
                                   .key = key,
                                   .object_size_bytes = text.size(),
                                   .etag = store_.Head("data", key)->info.etag,
                                   .range = {.begin = 0, .end = text.size()}};
    items_.push_back(std::move(item));
  }
  void GivenValue(const std::string& text) { items_.push_back({.read = {}, .bytes = text}); }
  void Start() { Start(fetcher_); }
  void Start(fetch::Fetcher& fetcher) {
    auto feed = PipeFeed::Start(
        options_,
        [this](uint64_t epoch, const CallContext&) -> ItemSource {
          epochs_asked_.push_back(epoch);
          return [this, next = size_t{0}]() mutable -> Result<std::optional<PipeItem>> {
            if (next == items_.size()) return std::nullopt;
            const PipeItem& item = items_[next++];
            return PipeItem{.read = item.read, .bytes = item.bytes};
          };
        },
        fetcher, [this](const Error&) { ++failures_heard_; });
    ASSERT_THAT(feed, IsOk());
    feed_ = std::move(*feed);
  }
  std::string PathOf(int epoch) const { return folder_.Path("train_" + std::to_string(epoch)); }
  UniqueFd Open(int epoch, int flags = O_RDONLY) const {
    return UniqueFd(open(PathOf(epoch).c_str(), flags | O_CLOEXEC));
  }
  // Up to `size_bytes` more bytes; less: the end came.
  static std::string Read(const UniqueFd& reader, size_t size_bytes = std::string::npos) {
    std::string text;
    std::vector<char> buffer(65536);
    while (text.size() < size_bytes) {
      const ssize_t size =
          read(reader.get(), buffer.data(), std::min(buffer.size(), size_bytes - text.size()));
      if (size <= 0) break;
      text.append(buffer.data(), static_cast<size_t>(size));
    }
    return text;
  }
  std::string ReadEpoch(int epoch) const { return Read(Open(epoch)); }
  // The FIFOs are made by the feed's thread; a reader polls for the next one, as they all do.
  void AwaitFifo(int epoch) const {
    while (access(PathOf(epoch).c_str(), F_OK) != 0) std::this_thread::yield();
  }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      names.push_back(entry.path().filename());
    }
    std::ranges::sort(names);
    return names;
  }

  TempDir folder_;
  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  FaultyStore faulty_{memory_};
  EventLoops loops_{2};
  fetch::Fetcher fetcher_{
      faulty_, loops_, {.part_size_bytes = 64U << 10U, .memory_bytes_max = 1U << 20U}};
  std::optional<fetch::Fetcher> narrow_;
  PipeFeedOptions options_;
  std::vector<PipeItem> items_;
  std::vector<uint64_t> epochs_asked_;  // The feed's thread's until it has stopped.
  std::atomic<int> failures_heard_ = 0;
  std::unique_ptr<PipeFeed> feed_;
};

TEST_F(PipeFeedTest, GivesEveryEpochTheObjectsInOrderWithNothingBetween) {
  GivenObject("b", "second goes first");
  GivenObject("a", "then this");
  GivenObject("empty", "");
  GivenObject("c", std::string(300'000, 'x'));
  Start();
  const std::string whole = "second goes firstthen this" + std::string(300'000, 'x');
  for (int epoch = 0; epoch < 3; ++epoch) EXPECT_EQ(ReadEpoch(epoch), whole) << epoch;
  AwaitFifo(4);
  feed_->Stop();
  const PipeReport report = feed_->report();
  EXPECT_EQ(report.epochs_opened, 3U);
  EXPECT_EQ(report.epochs_complete, 3U);
  EXPECT_EQ(report.items, 12U);
  EXPECT_EQ(report.bytes, 3 * whole.size());
  EXPECT_EQ(report.last_epoch, 2U);
  EXPECT_EQ(report.last_epoch_items, 4U);
  EXPECT_THAT(Names(), IsEmpty());
}

TEST_F(PipeFeedTest, TwoFifosAreThereBeforeAnybodyReadsAndNothingIsFetched) {
  GivenObject("a", "text");
  Start();
  EXPECT_THAT(Names(), ::testing::ElementsAre("train_0", "train_1"));
  feed_->Stop();
  EXPECT_EQ(faulty_.call_count(StoreOperation::kGet), 0U);
  EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
  EXPECT_THAT(epochs_asked_, IsEmpty());
}

TEST_F(PipeFeedTest, AReaderThatDoesNotBlockNeverSeesAFalseEnd) {
  auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kGet, .key = "a", .gate = gate});
  GivenObject("a", "late");
  Start();
  const UniqueFd reader = Open(0, O_RDONLY | O_NONBLOCK);
  char byte = 0;
  EXPECT_EQ(read(reader.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  // Nor one that comes for the next epoch too early.
  const UniqueFd early = Open(1, O_RDONLY | O_NONBLOCK);
  EXPECT_EQ(read(early.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  gate->Open();
  std::string text;
  while (text.size() < 4) {
    pollfd polled{.fd = reader.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&polled, 1, 10'000), 1);
    text += Read(reader, 4 - text.size());
  }
  EXPECT_EQ(text, "late");
}

TEST_F(PipeFeedTest, ClosingEarlyLeadsToTheNextEpoch) {
  GivenObject("a", std::string(5'000'000, 'x'));
  GivenObject("b", "end");
  Start();
  EXPECT_EQ(Read(Open(0), 10), std::string(10, 'x'));
  EXPECT_EQ(ReadEpoch(1).size(), 5'000'003U);
  AwaitFifo(3);
  feed_->Stop();
  EXPECT_EQ(feed_->report().epochs_opened, 2U);
  EXPECT_EQ(feed_->report().epochs_complete, 1U);
  EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
}

TEST_F(PipeFeedTest, WhatAReaderThatLeftHadNotReadDoesNotCount) {
  auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kGet, .key = "c", .gate = gate});
  for (const char* key : {"a", "b", "c"}) GivenObject(key, std::string(1000, 'x'));
  Start();
  // The second object is in the pipe as a whole: so little is written at once.
  EXPECT_EQ(Read(Open(0), 1500).size(), 1500U);
  gate->Open();
  AwaitFifo(2);
  feed_->Stop();
  const PipeReport report = feed_->report();
  EXPECT_EQ(report.epochs_complete, 0U);
  EXPECT_EQ(report.items, 1U);
  EXPECT_EQ(report.last_epoch_items, 1U);
  EXPECT_EQ(report.bytes, 1500U);
}

TEST_F(PipeFeedTest, AReaderWithSomethingToReadDoesNotWait) {
  ManualClock clock;
  options_.clock = &clock;
  auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kGet, .key = "a", .gate = gate});
  GivenValue("there");
  GivenObject("a", "late");
  Start();
  const UniqueFd reader = Open(0);
  pollfd polled{.fd = reader.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&polled, 1, 10'000), 1);
  faulty_.AwaitGated(1);
  clock.Advance(std::chrono::hours(1));
  gate->Open();
  while (feed_->report().epochs_complete == 0) std::this_thread::yield();
  EXPECT_EQ(Read(reader), "therelate");
  EXPECT_EQ(feed_->report().reader_waited, std::chrono::nanoseconds(0));
  EXPECT_EQ(feed_->report().open_span, std::chrono::hours(1));
}

// Others that are open and not read may leave a reader so little.
TEST_F(PipeFeedTest, MemoryForOnePartIsEnough) {
  constexpr size_t kPartBytes = 64U << 10U;
  narrow_.emplace(
      faulty_, loops_,
      fetch::FetchOptions{.part_size_bytes = kPartBytes, .memory_bytes_max = kPartBytes});
  GivenObject("a", std::string(10 * kPartBytes, 'a'));
  GivenValue("value");
  GivenObject("b", std::string(3 * kPartBytes, 'b'));
  Start(*narrow_);
  const UniqueFd reader = Open(0);
  std::string text;
  while (text.size() < 13 * kPartBytes + 5) {
    pollfd polled{.fd = reader.get(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(poll(&polled, 1, 10'000), 1) << "after " << text.size() << " bytes";
    std::array<char, 65536> piece{};
    const ssize_t size = read(reader.get(), piece.data(), piece.size());
    ASSERT_GT(size, 0);
    text.append(piece.data(), static_cast<size_t>(size));
  }
  EXPECT_TRUE(text.ends_with("avalue" + std::string(3 * kPartBytes, 'b')));
  feed_->Stop();
}

TEST_F(PipeFeedTest, ANextEpochIsHeldUpWhileSomebodyHasThisOneOpen) {
  GivenObject("a", std::string(5'000'000, 'x'));
  Start();
  UniqueFd reader = Open(0);
  const UniqueFd inherited(dup(reader.get()));  // As a forked worker has it.
  EXPECT_EQ(Read(reader, 1), "x");
  reader.Close();
  const UniqueFd next = Open(1);
  while (feed_->report().epochs_held_up == 0) std::this_thread::yield();
  // Nor does the worker see a false end: it can still read it all.
  EXPECT_EQ(Read(inherited).size(), 4'999'999U);
  EXPECT_EQ(Read(next).size(), 5'000'000U);
}

TEST_F(PipeFeedTest, ReadersThatLeaveAtOnceUseUpTheirEpochs) {
  GivenObject("a", "text");
  Start();
  for (int epoch = 0; epoch < 20; ++epoch) {
    AwaitFifo(epoch);
    Open(epoch, epoch % 2 == 0 ? O_RDONLY : O_RDONLY | O_NONBLOCK);
  }
  AwaitFifo(20);
  EXPECT_EQ(ReadEpoch(20), "text");
}

TEST_F(PipeFeedTest, AnEpochThatIsPassedOverIsOver) {
  GivenObject("a", "text");
  Start();
  EXPECT_EQ(ReadEpoch(1), "text");
  AwaitFifo(2);
  EXPECT_EQ(ReadEpoch(2), "text");
  feed_->Stop();
  EXPECT_EQ(epochs_asked_, (std::vector<uint64_t>{1, 2}));
}

TEST_F(PipeFeedTest, AnEpochOfNothingEndsAtOnce) {
  Start();
  EXPECT_EQ(ReadEpoch(0), "");
  EXPECT_EQ(ReadEpoch(1), "");
}

TEST_F(PipeFeedTest, WrapsObjectsAndValuesAsWholeRecords) {
  options_.framing.wraps_record_io = true;
  GivenObject("a", "hello");
  GivenValue("1");
  GivenObject("empty", "");
  GivenObject("magic", "\x0a\x23\xd7\xce");
  Start();
  using std::string_literals::operator""s;
  EXPECT_EQ(ReadEpoch(0),
            "\x0a\x23\xd7\xce\x05\0\0\0hello\0\0\0"s
            "\x0a\x23\xd7\xce\x01\0\0\0"
            "1\0\0\0"s
            "\x0a\x23\xd7\xce\0\0\0\0"s
            "\x0a\x23\xd7\xce\x04\0\0\0\x0a\x23\xd7\xce"s);
}

TEST_F(PipeFeedTest, ManyValuesWithoutObjectsFlow) {
  size_t expected_bytes = 0;
  for (int i = 0; i < 100'000; ++i) {
    GivenValue(std::to_string(i) + "\n");
    expected_bytes += items_.back().bytes.size();
  }
  Start();
  EXPECT_EQ(ReadEpoch(0).size(), expected_bytes);
}

TEST_F(PipeFeedTest, InflatesObjectByObjectAndMemberByMember) {
  options_.framing.inflates_gzip = true;
  const std::string large(1'000'000, 'y');
  GivenObject("a.gz", Gzip("one ") + Gzip("two "));
  GivenObject("empty", "");
  GivenObject("b.gz", Gzip(large));
  Start();
  EXPECT_EQ(ReadEpoch(0), "one two " + large);
}

TEST_F(PipeFeedTest, WrapsWhatItInflated) {
  options_.framing = {.inflates_gzip = true, .wraps_record_io = true};
  const std::string large(1'000'001, 'y');
  GivenObject("a.gz", Gzip("hello"));
  GivenObject("b.gz", Gzip(large));
  Start();
  using std::string_literals::operator""s;
  EXPECT_EQ(ReadEpoch(0),
            "\x0a\x23\xd7\xce\x05\0\0\0hello\0\0\0"s
            "\x0a\x23\xd7\xce\x41\x42\x0f\0"s +
                large + "\0\0\0"s);
}

TEST_F(PipeFeedTest, ACorruptMemberEndsTheChannelWithItsName) {
  options_.framing.inflates_gzip = true;
  GivenObject("good.gz", Gzip("fine"));
  std::string bad = Gzip("never seen whole");
  bad.resize(bad.size() - 3);
  GivenObject("bad.gz", bad);
  Start();
  const UniqueFd reader = Open(0);
  while (failures_heard_ == 0) std::this_thread::yield();
  EXPECT_EQ(feed_->failure()->code(), ErrorCode::kCorrupt);
  EXPECT_THAT(feed_->failure()->message(), HasSubstr("s3://data/bad.gz"));
  EXPECT_THAT(feed_->failure()->message(), HasSubstr("cut short"));
  feed_->Stop();
  EXPECT_EQ(failures_heard_, 1);
}

TEST_F(PipeFeedTest, AfterAFailureTheReaderSeesNoEndBeforeStop) {
  GivenObject("a", "before");
  GivenObject("gone", "deleted meanwhile");
  ASSERT_THAT(store_.Delete("data", "gone"), IsOk());
  Start();
  const UniqueFd reader = Open(0, O_RDONLY);
  EXPECT_EQ(Read(reader, 6), "before");
  while (failures_heard_ == 0) std::this_thread::yield();
  EXPECT_EQ(feed_->failure()->code(), ErrorCode::kNotFound);
  EXPECT_THAT(feed_->failure()->message(), HasSubstr("gone"));
  pollfd polled{.fd = reader.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(poll(&polled, 1, 0), 0);
  feed_->Stop();
  EXPECT_EQ(Read(reader), "");
}

TEST_F(PipeFeedTest, StopsWhateverItsReaderDoes) {
  GivenObject("a", std::string(5'000'000, 'x'));
  Start();
  const UniqueFd stalled = Open(0);
  EXPECT_EQ(Read(stalled, 1), "x");
  feed_->Stop();
  EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
  EXPECT_THAT(Names(), IsEmpty());
  // What had been written is still read, and then the end.
  EXPECT_LT(Read(stalled).size(), 5'000'000U);
}

TEST_F(PipeFeedTest, StopsWhileTheStoreIsSilent) {
  auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kGet, .key = "a", .gate = gate});
  GivenObject("a", "text");
  Start();
  const UniqueFd reader = Open(0);
  faulty_.AwaitGated(1);
  feed_->Stop();
  EXPECT_EQ(Read(reader), "");
  EXPECT_FALSE(feed_->failure().has_value());
}

TEST_F(PipeFeedTest, ReplacesWhatAKilledRunLeftAndNothingElse) {
  for (const char* name : {"train_0", "train_7", ".train_2.headrace-pipe", "train_x", "train"}) {
    ASSERT_EQ(mkfifo(folder_.Path(name).c_str(), 0600), 0);
  }
  Start();
  EXPECT_THAT(Names(), ::testing::ElementsAre("train", "train_0", "train_1", "train_x"));
  EXPECT_EQ(ReadEpoch(0), "");
  feed_.reset();
  folder_.Write("train_3", "a file");
  EXPECT_THAT(PipeFeed::Start(options_, nullptr, fetcher_, nullptr),
              HasCode(ErrorCode::kAlreadyExists));
}

TEST_F(PipeFeedTest, AFileInTheWayOfALaterEpochStaysAndFailsNobodyBefore) {
  GivenObject("a", "text");
  Start();
  folder_.Write("train_2", "the script's");
  EXPECT_EQ(ReadEpoch(0), "text");
  const UniqueFd reader = Open(1);
  EXPECT_EQ(Read(reader, 4), "text");
  while (failures_heard_ == 0) std::this_thread::yield();
  EXPECT_EQ(feed_->failure()->code(), ErrorCode::kAlreadyExists);
  EXPECT_THAT(feed_->failure()->message(), HasSubstr("train_2 is in the way"));
  feed_->Stop();
  EXPECT_EQ(folder_.Read("train_2"), "the script's");
}

TEST_F(PipeFeedTest, AFifoThatCouldNotBeMadeIsMadeLater) {
  GivenObject("a", "text");
  Start();
  folder_.Write("train_2", "for a while");
  EXPECT_EQ(ReadEpoch(0), "text");
  std::filesystem::remove(PathOf(2));
  EXPECT_EQ(ReadEpoch(1), "text");
  EXPECT_EQ(ReadEpoch(2), "text");
  EXPECT_EQ(failures_heard_, 0);
}

TEST_F(PipeFeedTest, RemovesNothingThatIsNotItsOwn) {
  Start();
  std::filesystem::remove(PathOf(1));
  folder_.Write("train_1", "the script's");
  feed_->Stop();
  EXPECT_EQ(folder_.Read("train_1"), "the script's");
}

TEST(ReaderWatch, SaysThatItMissedOpens) {
  const TempDir folder;
  ReaderWatch watch = ReaderWatch::Make().value();
  for (const char* name : {"a", "b"}) {
    folder.Write(name, "");
    ASSERT_THAT(watch.Add(folder.Path(name)), IsOk());
  }
  int places = 0;
  std::ifstream("/proc/sys/fs/inotify/max_queued_events") >> places;
  if (places <= 0 || places > 200'000) GTEST_SKIP() << "the kernel keeps " << places << " events";
  // Two in turn: equal events one after the other take one place.
  for (int i = 0; i <= places; ++i) std::ifstream(folder.Path(i % 2 == 0 ? "a" : "b"));
  EXPECT_THAT(watch.TakeOpened(), ::testing::Contains(ReaderWatch::kMissed));
}

TEST_F(PipeFeedTest, AFifoThatSomebodyRemovedEndsNothing) {
  GivenObject("a", "text");
  Start();
  const UniqueFd reader = Open(0);
  std::filesystem::remove(PathOf(0));
  EXPECT_EQ(Read(reader), "text");
  EXPECT_EQ(ReadEpoch(1), "text");
}

}  // namespace
}  // namespace headrace::pipe
