// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/fetcher.h"

#include <atomic>
#include <functional>
#include <future>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/gate.h"
#include "headrace/base/random.h"
#include "headrace/fetch/object_reader.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/planned_reads.h"
#include "testing/result_matchers.h"
#include "testing/seeded_bytes.h"

namespace headrace::fetch {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::HasCode;
using headrace::testing::IsOk;
using headrace::testing::SeededText;
using headrace::testing::SourceOf;
using headrace::testing::TextSink;

constexpr uint64_t kMemoryBytes = 16ULL * 4096;

class FetcherTest : public ::testing::Test {
 protected:
  FetcherTest() { EXPECT_THAT(store_.CreateBucket("data"), IsOk()); }

  PlannedRead GivenObject(const std::string& key, const std::string& text) {
    return headrace::testing::GivenObject(store_, "data", key, text);
  }
  std::unique_ptr<ObjectReader> OpenObject(const PlannedRead& planned) {
    return fetcher_.Open({.bucket = planned.bucket,
                          .key = planned.key,
                          .size_bytes = planned.object_size_bytes,
                          .etag = planned.etag});
  }
  static std::string TextOf(const ReadBytes& bytes) {
    std::string text(bytes.size_bytes(), '\0');
    bytes.CopyTo(std::as_writable_bytes(std::span(text)));
    return text;
  }

  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{2};
  Fetcher fetcher_{memory_, loops_, {.part_size_bytes = 1000, .memory_bytes_max = kMemoryBytes}};
};

TEST_F(FetcherTest, ARunDeliversEveryByteAndReturnsItsMemory) {
  std::vector<PlannedRead> reads;
  std::vector<std::string> texts;
  for (size_t i = 0; i < 400; ++i) {
    texts.push_back(SeededText(i, (i * 37) % 5000));
    reads.push_back(GivenObject("k" + std::to_string(i), texts.back()));
  }
  TextSink sink;
  EXPECT_THAT(fetcher_.Run(SourceOf(reads), sink, {}), IsOk());
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_THAT(sink.end(i), IsOk());
    EXPECT_EQ(sink.text(i), texts[i]);
  }
  EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
  EXPECT_LE(fetcher_.gauges().memory_bytes_peak, kMemoryBytes);
}

TEST_F(FetcherTest, WhatWaitsForItsAnswerCountsAndHasNoBuffer) {
  FaultyStore faulty(memory_);
  const auto gate = std::make_shared<Gate>();
  faulty.Add({.operation = StoreOperation::kGet, .call_count = 3, .gate = gate});
  Fetcher fetcher(faulty, loops_, {.part_size_bytes = 1000, .memory_bytes_max = kMemoryBytes});
  const auto gauge = [&](std::string_view name) {
    for (const MetricFamily& family : fetcher.metrics()) {
      if (family.spec.name == name) return family.samples.at(0).value;
    }
    return -1.0;
  };
  std::thread watcher([&] {
    faulty.AwaitGated(3);
    EXPECT_EQ(gauge("headrace_fetch_memory_bytes"), 3 * 4096);
    EXPECT_EQ(gauge("headrace_fetch_buffer_bytes"), 0);
    gate->Open();
  });
  TextSink sink;
  const std::vector<PlannedRead> reads(3, GivenObject("a", SeededText(1, 900)));
  EXPECT_THAT(fetcher.Run(SourceOf(reads), sink, {}), IsOk());
  watcher.join();
  EXPECT_GE(gauge("headrace_fetch_buffer_bytes"), 4096);
}

class OneConnectionTest : public FetcherTest {
 protected:
  // Runs all reads, the second and later ones begun when the first is answered; how many requests
  // that took.
  uint64_t RunOnOneConnection(std::vector<PlannedRead> reads, PartSink& sink) {
    FaultyStore faulty(memory_);
    const auto gate = std::make_shared<Gate>();
    faulty.Add({.operation = StoreOperation::kGet, .gate = gate});
    Fetcher fetcher(
        faulty, loops_,
        {.part_size_bytes = 1000, .memory_bytes_max = kMemoryBytes, .requests_in_flight_max = 1});
    ReadSource source = SourceOf(std::move(reads), [gate] { gate->Open(); });
    EXPECT_THAT(fetcher.Run(std::move(source), sink, {}), IsOk());
    EXPECT_EQ(fetcher.memory_bytes_taken(), 0U);
    return faulty.call_count(StoreOperation::kGet);
  }
};

class SideBySideTest : public OneConnectionTest {
 protected:
  // The reads' numbers in the order of their parts. No lock: on one connection parts come one after
  // the other.
  class OrderSink final : public PartSink {
   public:
    explicit OrderSink(size_t reads_side_by_side) : reads_side_by_side_(reads_side_by_side) {}
    size_t reads_side_by_side() const override { return reads_side_by_side_; }
    void OnPart(Part part) override { order += std::to_string(part.read_index); }
    void OnReadEnd(size_t /*read_index*/, Status status) override { EXPECT_THAT(status, IsOk()); }

    std::string order;

   private:
    const size_t reads_side_by_side_;
  };

  std::string OrderOf(size_t reads_side_by_side, std::vector<PlannedRead> reads) {
    OrderSink sink(reads_side_by_side);
    RunOnOneConnection(std::move(reads), sink);
    return sink.order;
  }
};

TEST_F(SideBySideTest, AReadOfSeveralPartsIsFetchedBeforeTheNextOne) {
  const PlannedRead large = GivenObject("large", SeededText(1, 3000));
  EXPECT_EQ(OrderOf(1, {large, large, large}), "000111222");
}

TEST_F(SideBySideTest, ReadsOfSeveralPartsTakeTurnsWhereTheSinkWantsThat) {
  const PlannedRead large = GivenObject("large", SeededText(1, 3000));
  // The first part is asked for before there is a second read.
  EXPECT_EQ(OrderOf(2, {large, large, large}), "001012122");
  EXPECT_EQ(OrderOf(8, {large, large, large}), "001201212");
}

TEST_F(SideBySideTest, SmallReadsKeepTheirPlaceBetweenTurns) {
  const PlannedRead large = GivenObject("large", SeededText(1, 3000));
  const PlannedRead small = GivenObject("small", SeededText(2, 10));
  EXPECT_EQ(OrderOf(2, {large, small, small, small}), "001023");
}

class TwoLoopsTest : public FetcherTest {
 protected:
  // The event loops on which parts arrive.
  class LoopSink final : public PartSink {
   public:
    void OnPart(Part part) override HR_EXCLUDES(mutex_) {
      const MutexLock lock(mutex_);
      auto& loops = part.bytes.span().size() < kLarge ? of_small : of_large;
      loops.insert(std::this_thread::get_id());
    }
    void OnReadEnd(size_t /*read_index*/, Status status) override { EXPECT_THAT(status, IsOk()); }

    std::set<std::thread::id> of_small;  // Read when nothing runs any more.
    std::set<std::thread::id> of_large;

   private:
    Mutex mutex_;
  };
  static constexpr size_t kLarge = 1 << 20;

  // Runs all reads on two lanes; the first two requests are answered when all reads wait, so that
  // lanes go on from one to the next. The parts' sums are not compared: a build that does that
  // slowly keeps its loop busy.
  void RunOn(FaultyStore& store, std::vector<PlannedRead> reads, LoopSink& sink) {
    const auto gate = std::make_shared<Gate>();
    store.Add({.operation = StoreOperation::kGet, .call_count = 2, .gate = gate});
    Fetcher fetcher(store, loops_,
                    {.part_size_bytes = kLarge,
                     .memory_bytes_max = 64 * kLarge,
                     .requests_in_flight_max = 2,
                     .verify_checksums = false});
    ReadSource source = SourceOf(std::move(reads), [gate] { gate->Open(); });
    EXPECT_THAT(fetcher.Run(std::move(source), sink, {}), IsOk());
  }
};

TEST_F(TwoLoopsTest, LargePartsMoveToOneLoopAfterSmallReadsOnBoth) {
  std::vector<PlannedRead> reads(100, GivenObject("small", SeededText(1, 10)));
  reads.insert(reads.end(), 2, GivenObject("large", SeededText(2, 4 * kLarge)));
  FaultyStore store(memory_);
  LoopSink sink;
  RunOn(store, reads, sink);
  EXPECT_EQ(sink.of_small.size(), 2U);
  EXPECT_EQ(sink.of_large.size(), 1U);
}

TEST_F(TwoLoopsTest, SmallReadsMoveToTheOtherLoopAfterLargePartsOnOne) {
  std::vector<PlannedRead> reads(2, GivenObject("large", SeededText(2, 4 * kLarge)));
  reads.insert(reads.end(), 100, GivenObject("small", SeededText(1, 10)));
  FaultyStore store(memory_);
  LoopSink sink;
  RunOn(store, reads, sink);
  EXPECT_EQ(sink.of_large.size(), 1U);
  // On the first one as well only if they are not done before its last large part is.
  EXPECT_NE(sink.of_small, sink.of_large);
}

TEST_F(TwoLoopsTest, LargePartsOverTlsHaveBothLoops) {
  const PlannedRead large = GivenObject("large", SeededText(2, 4 * kLarge));
  FaultyStore store(memory_, true);
  LoopSink sink;
  RunOn(store, {large, large}, sink);
  EXPECT_EQ(sink.of_large.size(), 2U);
}

class NeighboursTest : public OneConnectionTest {
 protected:
  static PlannedRead RangeOf(PlannedRead object, uint64_t begin, uint64_t end) {
    object.range = {.begin = begin, .end = end};
    return object;
  }
};

TEST_F(NeighboursTest, RangesNearEachOtherComeWithOneRequest) {
  const std::string text = SeededText(1, 900);
  const PlannedRead object = GivenObject("a", text);
  std::vector<PlannedRead> reads;
  for (uint64_t i = 0; i < 8; ++i) reads.push_back(RangeOf(object, i * 100, i * 100 + 60));
  reads.push_back(RangeOf(GivenObject("b", text), 10, 20));
  reads.push_back(RangeOf(object, 800, 900));
  TextSink sink;
  // The first, the seven behind it, the other object's, the last.
  EXPECT_EQ(RunOnOneConnection(reads, sink), 4U);
  for (size_t i = 0; i < reads.size(); ++i) {
    const ByteRange range = reads[i].range;
    EXPECT_THAT(sink.end(i), IsOk());
    EXPECT_EQ(sink.text(i).substr(range.begin), text.substr(range.begin, range.size_bytes())) << i;
  }
}

TEST_F(NeighboursTest, WhatIsFarApartOrBehindComesByItself) {
  const std::string text = SeededText(1, 200'000);
  const PlannedRead object = GivenObject("a", text);
  TextSink sink;
  const uint64_t requests =
      RunOnOneConnection({RangeOf(object, 0, 10), RangeOf(object, 500, 600),
                          RangeOf(object, 100, 200), RangeOf(object, 190'000, 190'100)},
                         sink);
  EXPECT_EQ(requests, 4U);
  EXPECT_EQ(sink.text(2).substr(100), text.substr(100, 100));
}

TEST_F(NeighboursTest, WhatFailsFailsForAllThatCameTogether) {
  PlannedRead gone = GivenObject("a", SeededText(1, 900));
  gone.key = "absent";
  TextSink sink;
  EXPECT_EQ(RunOnOneConnection(
                {RangeOf(gone, 0, 10), RangeOf(gone, 100, 110), RangeOf(gone, 200, 210)}, sink),
            2U);
  for (size_t i = 0; i < 3; ++i) EXPECT_THAT(sink.end(i), HasCode(ErrorCode::kNotFound));
}

TEST_F(FetcherTest, ChecksumsAreLookedUpInsideTheWindow) {
  constexpr uint64_t kWindow = 4;
  FaultyStore faulty(memory_);
  const auto gate = std::make_shared<Gate>();
  faulty.Add(
      {.operation = StoreOperation::kHead, .call_count = StoreFault::kEveryCall, .gate = gate});
  Fetcher fetcher(faulty, loops_,
                  {.part_size_bytes = 1000,
                   .memory_bytes_max = 64ULL * 4096,
                   .requests_in_flight_max = kWindow});
  const std::string text = SeededText(1, 1500);
  const std::vector<PlannedRead> reads(100, GivenObject("a", text));
  TextSink sink;
  std::promise<void> all_are_queued;
  ReadSource source = SourceOf(reads, [&] { all_are_queued.set_value(); });
  std::thread opener([&] {
    all_are_queued.get_future().wait();
    faulty.AwaitGated(1);
    // What the loops were given before has begun.
    const auto nothing = []() -> Task<bool> { co_return true; };
    for (size_t i = 0; i < loops_.count(); ++i) RunBlocking(loops_.At(i), nothing());
    EXPECT_LE(faulty.call_count(StoreOperation::kHead), kWindow);
    gate->Open();
  });
  EXPECT_THAT(fetcher.Run(std::move(source), sink, {}), IsOk());
  opener.join();
  for (size_t i = 0; i < reads.size(); ++i) EXPECT_EQ(sink.text(i), text);
  EXPECT_EQ(faulty.call_count(StoreOperation::kHead), reads.size());
}

TEST_F(FetcherTest, OneFailedReadDoesNotStopTheOthers) {
  PlannedRead gone = GivenObject("b", SeededText(2, 5000));
  gone.key = "absent";
  TextSink sink;
  const std::string text = SeededText(1, 4000);
  EXPECT_THAT(fetcher_.Run(SourceOf({gone, GivenObject("a", text)}), sink, {}), IsOk());
  EXPECT_THAT(sink.end(0), HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(sink.end(1), IsOk());
  EXPECT_EQ(sink.text(1), text);
}

TEST_F(FetcherTest, ACancelledRunEndsEveryReadItBegan) {
  std::vector<PlannedRead> reads(50, GivenObject("a", SeededText(1, 9000)));
  std::stop_source stop;
  size_t given = 0;
  TextSink sink;
  const auto source = [&]() -> Result<std::optional<PlannedRead>> {
    if (++given == 20) stop.request_stop();
    return reads[0];
  };
  const Status outcome = fetcher_.Run(source, sink, {.deadline = {}, .stop = stop.get_token()});
  EXPECT_THAT(outcome, HasCode(ErrorCode::kCancelled));
  EXPECT_EQ(sink.end_count(), 20U);
  EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
}

TEST_F(FetcherTest, ACancelledReadGivesTheMemoryOfItsHedgeBackBeforeItEnds) {
  FaultyStore faulty(memory_);
  Fetcher fetcher(faulty, loops_, {.part_size_bytes = 1000, .memory_bytes_max = kMemoryBytes});
  // So that it is known what is late.
  TextSink warm;
  const std::vector<PlannedRead> usual(600, GivenObject("usual", "as always"));
  ASSERT_THAT(fetcher.Run(SourceOf(usual), warm, {}), IsOk());

  class EndSink final : public PartSink {
   public:
    explicit EndSink(Fetcher& fetcher) : fetcher_(fetcher) {}
    void OnPart(Part) override {}
    void OnReadEnd(size_t, Status status) override {
      EXPECT_THAT(status, HasCode(ErrorCode::kCancelled));
      EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
    }

   private:
    Fetcher& fetcher_;
  };
  EndSink sink(fetcher);
  const auto never = std::make_shared<Gate>();
  faulty.Add({.operation = StoreOperation::kGet, .key = "silent", .call_count = 2, .gate = never});
  std::stop_source stop;
  std::thread canceller([&] {
    faulty.AwaitGated(2);
    stop.request_stop();
  });
  const PlannedRead silent = GivenObject("silent", SeededText(1, 800));
  const Status outcome =
      fetcher.Run(SourceOf({silent}), sink, {.deadline = {}, .stop = stop.get_token()});
  // The run may end with its read, or be the first to notice.
  EXPECT_TRUE(outcome || outcome.error().code() == ErrorCode::kCancelled);
  canceller.join();
}

TEST_F(FetcherTest, PartsOfTwoVersionsAreRefusedThoughNoneWasPinned) {
  PlannedRead planned = GivenObject("a", SeededText(1, 20'000));
  planned.etag.clear();
  class ReplacingSink final : public PartSink {
   public:
    explicit ReplacingSink(std::function<void()> replace) : replace_(std::move(replace)) {}
    void OnPart(Part) override {
      if (!std::exchange(is_replaced_, true)) replace_();
    }
    void OnReadEnd(size_t, Status status) override { end = std::move(status); }
    Status end = Ok();

   private:
    std::function<void()> replace_;
    bool is_replaced_ = false;
  };
  EventLoops one_loop{1};
  Fetcher fetcher{memory_, one_loop, {.part_size_bytes = 1000, .memory_bytes_max = 4ULL * 4096}};
  ReplacingSink sink([&] { GivenObject("a", SeededText(2, 20'000)); });
  EXPECT_THAT(fetcher.Run(SourceOf({planned}), sink, {}), IsOk());
  EXPECT_THAT(sink.end, HasCode(ErrorCode::kPreconditionFailed));
}

TEST_F(FetcherTest, AChecksumOfAnotherVersionIsNotTakenForDamage) {
  PlannedRead planned = GivenObject("a", SeededText(1, 4000));
  planned.etag.clear();
  FaultyStore faulty(memory_);
  const auto gate = std::make_shared<Gate>();
  faulty.Add({.operation = StoreOperation::kHead, .gate = gate});
  class ReplacingSink final : public PartSink {
   public:
    explicit ReplacingSink(std::function<void()> replace) : replace_(std::move(replace)) {}
    void OnPart(Part) override {
      if (++part_count_ == 4) replace_();
    }
    void OnReadEnd(size_t, Status status) override { end = std::move(status); }
    Status end = Ok();

   private:
    std::function<void()> replace_;
    std::atomic<int> part_count_ = 0;
  };
  Fetcher fetcher(faulty, loops_, {.part_size_bytes = 1000, .memory_bytes_max = kMemoryBytes});
  ReplacingSink sink([&] {
    GivenObject("a", SeededText(2, 4000));
    gate->Open();
  });
  EXPECT_THAT(fetcher.Run(SourceOf({planned}), sink, {}), IsOk());
  EXPECT_THAT(sink.end, HasCode(ErrorCode::kPreconditionFailed));
}

TEST_F(FetcherTest, AnOpenObjectGivesAnyRangeOfItsBytes) {
  const std::string text = SeededText(7, 30'000);
  auto reader = OpenObject(GivenObject("a", text));
  Random random(11);
  for (int i = 0; i < 200; ++i) {
    const uint64_t begin = random.Below(31'000);
    const uint64_t end = begin + random.Below(4000);
    const auto read = reader->ReadBlocking({.begin = begin, .end = end}, {});
    ASSERT_THAT(read, IsOk());
    const std::string expected = begin < text.size() ? text.substr(begin, end - begin) : "";
    EXPECT_EQ(TextOf(*read), expected) << begin << " to " << end;
  }
  reader.reset();
}

TEST_F(FetcherTest, AnOpenObjectIsReadInOrderToItsEnd) {
  const std::string text = SeededText(7, 50'000);
  {
    auto reader = OpenObject(GivenObject("a", text));
    std::string seen;
    while (true) {
      const auto read = reader->ReadBlocking({.begin = seen.size(), .end = seen.size() + 700}, {});
      ASSERT_THAT(read, IsOk());
      if (read->size_bytes() == 0) break;
      seen += TextOf(*read);
    }
    EXPECT_EQ(seen, text);
  }
}

TEST_F(FetcherTest, AnObjectReplacedWhileItIsOpenIsRefused) {
  auto reader = OpenObject(GivenObject("a", SeededText(1, 30'000)));
  GivenObject("a", SeededText(2, 30'000));
  EXPECT_THAT(reader->ReadBlocking({.begin = 20'000, .end = 20'100}, {}),
              HasCode(ErrorCode::kPreconditionFailed));
}

}  // namespace
}  // namespace headrace::fetch
