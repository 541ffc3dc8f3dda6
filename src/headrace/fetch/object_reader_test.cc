// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/object_reader.h"

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/gate.h"
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

constexpr uint64_t kPartBytes = 8192;

std::string TextOf(const ReadBytes& bytes) {
  std::string text(bytes.size_bytes(), '\0');
  bytes.CopyTo(std::as_writable_bytes(std::span(text)));
  return text;
}

// A read that was begun and may take its time.
using Begun = std::future<Result<ReadBytes>>;

class ObjectReaderTest : public ::testing::Test {
 protected:
  ObjectReaderTest() { EXPECT_THAT(store_.CreateBucket("data"), IsOk()); }

  void MakeFetcher(uint64_t memory_bytes, uint64_t requests_in_flight_max = 1024) {
    budget_ = MemoryBudget::Make(memory_bytes);
    fetcher_ =
        std::make_unique<Fetcher>(faulty_, loops_,
                                  FetchOptions{.part_size_bytes = kPartBytes,
                                               .memory = budget_,
                                               .requests_in_flight_max = requests_in_flight_max});
  }
  PlannedRead GivenObject(const std::string& key, const std::string& text) {
    return headrace::testing::GivenObject(store_, "data", key, text);
  }
  ObjectVersion GivenVersion(const std::string& key, const std::string& text) {
    const PlannedRead planned = GivenObject(key, text);
    return {.bucket = "data", .key = key, .size_bytes = text.size(), .etag = planned.etag};
  }
  // The next so many GETs of the key wait for what is given back.
  std::shared_ptr<Gate> GateGets(const std::string& key, uint64_t first_call,
                                 uint64_t call_count = 1) {
    auto gate = std::make_shared<Gate>();
    faulty_.Add({.operation = StoreOperation::kGet,
                 .key = key,
                 .first_call = first_call,
                 .call_count = call_count,
                 .gate = gate});
    return gate;
  }
  // Returns when the read waits for its bytes.
  Begun Begin(ObjectReader& reader, ByteRange range) {
    auto promise = std::make_shared<std::promise<Result<ReadBytes>>>();
    Begun begun = promise->get_future();
    Spawn(readers_.At(0), reader.Read(range, Soon()),
          [promise](Result<ReadBytes> read) { promise->set_value(std::move(read)); });
    // What the loop was given before has run as far as it could.
    RunBlocking(readers_.At(0), Nothing());
    return begun;
  }
  static CallContext Soon() {
    return {.deadline = Deadline::After(std::chrono::seconds(20), std::chrono::steady_clock::now()),
            .stop = {}};
  }
  // Waits until all memory is free at once: a request of its size is given it then.
  Status AwaitAllMemory() {
    Fetcher fetcher(memory_, loops_,
                    {.part_size_bytes = budget_->limit_bytes(), .memory = budget_});
    const PlannedRead all = GivenObject("all", std::string(budget_->limit_bytes(), 'x'));
    TextSink sink;
    HR_TRY(fetcher.Run(SourceOf({all}), sink, Soon()));
    return sink.end(0);
  }
  uint64_t get_count() const { return faulty_.call_count(StoreOperation::kGet); }

  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  FaultyStore faulty_{memory_};
  EventLoops loops_{2};
  EventLoops readers_{1};
  std::shared_ptr<MemoryBudget> budget_;
  std::unique_ptr<Fetcher> fetcher_;

 private:
  static Task<bool> Nothing() { co_return true; }
};

TEST_F(ObjectReaderTest, BytesThatAreRefusedComeBackWhileOthersWaitForMemory) {
  MakeFetcher(8 * kPartBytes);
  GivenObject("a", SeededText(1, 1U << 20U));
  const std::string text = SeededText(2, kPartBytes);
  auto unpinned = fetcher_->Open({.bucket = "data", .key = "a", .size_bytes = 1U << 20U});
  auto one = fetcher_->Open(GivenVersion("one", text));
  auto other = fetcher_->Open(GivenVersion("other", text));
  // All memory is taken: by a read on its way, a hint that has come, and somebody else.
  const auto late_gate = GateGets("a", 1);
  Begun late = Begin(*unpinned, {.begin = 100 * kPartBytes, .end = 101 * kPartBytes});
  faulty_.AwaitGated(1);
  unpinned->WillRead(std::vector<ByteRange>{{.begin = 0, .end = kPartBytes}});
  EXPECT_THAT(unpinned->ReadBlocking({.begin = 10, .end = 20}, Soon()), IsOk());
  auto rest = budget_->TryTake(budget_->OpenAccount(6 * kPartBytes), 6 * kPartBytes);
  EXPECT_EQ(fetcher_->memory_bytes_taken(), 8 * kPartBytes);
  Begun from_one = Begin(*one, {.begin = 0, .end = kPartBytes});
  Begun from_other = Begin(*other, {.begin = 0, .end = kPartBytes});

  GivenObject("a", SeededText(3, 1U << 20U));
  late_gate->Open();
  EXPECT_THAT(late.get(), HasCode(ErrorCode::kPreconditionFailed));
  for (Begun* begun : {&from_one, &from_other}) {
    const auto read = begun->get();
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(TextOf(*read), text);
  }
}

TEST_F(ObjectReaderTest, AReadThatIsLateEndsItsRequest) {
  MakeFetcher(4 * kPartBytes);
  auto reader = fetcher_->Open(GivenVersion("a", SeededText(1, 1U << 20U)));
  const auto never = GateGets("a", 1);
  CallContext brief;
  brief.deadline = Deadline::After(std::chrono::milliseconds(1), std::chrono::steady_clock::now());
  EXPECT_THAT(reader->ReadBlocking({.begin = 80 * kPartBytes, .end = 81 * kPartBytes}, brief),
              HasCode(ErrorCode::kTimedOut));
  EXPECT_THAT(AwaitAllMemory(), IsOk());
}

class GivenUpTogetherTest : public ObjectReaderTest {
 protected:
  // Two hints of the first handle come with one request, which waits at `gate_`.
  GivenUpTogetherTest() {
    MakeFetcher(4 * kPartBytes, 1);
    const ObjectVersion object = GivenVersion("a", text_);
    first_ = fetcher_->Open(object);
    second_ = fetcher_->Open(object);
    const auto before = GateGets("a", 1);
    gate_ = GateGets("a", 2);
    const auto busy = fetcher_->Open(object);
    Begun other = Begin(*busy, {.begin = 100 * kPartBytes, .end = 101 * kPartBytes});
    faulty_.AwaitGated(1);
    first_->WillRead(std::vector{kOne});
    first_->WillRead(std::vector{kOther});
    before->Open();
    EXPECT_THAT(other.get(), IsOk());
    faulty_.AwaitGated(2);
  }

  static constexpr ByteRange kOne{.begin = 80 * kPartBytes, .end = 80 * kPartBytes + 100};
  static constexpr ByteRange kOther{.begin = kOne.end + 100, .end = kOne.end + 200};
  const std::string text_ = SeededText(1, 1U << 20U);
  std::unique_ptr<ObjectReader> first_;
  std::unique_ptr<ObjectReader> second_;
  std::shared_ptr<Gate> gate_;
};

TEST_F(GivenUpTogetherTest, ARequestGoesOnAsLongAsSomebodyWantsSomeOfIt) {
  Begun wanted = Begin(*second_, kOther);
  first_.reset();
  gate_->Open();
  const auto read = wanted.get();
  ASSERT_THAT(read, IsOk());
  EXPECT_EQ(TextOf(*read), text_.substr(kOther.begin, kOther.size_bytes()));
  EXPECT_EQ(get_count(), 2U);
}

TEST_F(GivenUpTogetherTest, ARequestEndsWhenNobodyWantsAnyOfIt) {
  first_.reset();
  EXPECT_THAT(AwaitAllMemory(), IsOk());
}

TEST_F(ObjectReaderTest, LargeReadsAtOnceAllGetTheirMemory) {
  MakeFetcher(8 * kPartBytes);
  const std::string text = SeededText(1, 1U << 20U);
  std::vector<std::unique_ptr<ObjectReader>> readers;
  std::vector<Begun> reads;
  constexpr ByteRange kLarge{.begin = 80 * kPartBytes + 10, .end = 82 * kPartBytes + 10};
  // All of them ask before any is given memory.
  auto all = budget_->TryTake(budget_->OpenAccount(8 * kPartBytes), 8 * kPartBytes);
  for (int i = 0; i < 8; ++i) {
    readers.push_back(fetcher_->Open(GivenVersion("k" + std::to_string(i), text)));
    reads.push_back(Begin(*readers.back(), kLarge));
  }
  all.reset();
  for (Begun& begun : reads) {
    const auto read = begun.get();
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(TextOf(*read), text.substr(kLarge.begin, kLarge.size_bytes()));
  }
}

TEST_F(ObjectReaderTest, AReadOfMoreThanAQuarterOfTheMemoryIsRefused) {
  MakeFetcher(8 * kPartBytes);
  auto reader = fetcher_->Open(GivenVersion("a", SeededText(1, 1U << 20U)));
  EXPECT_THAT(reader->ReadBlocking({.begin = 0, .end = 2 * kPartBytes + 1}, Soon()),
              HasCode(ErrorCode::kResourceExhausted));
  EXPECT_EQ(get_count(), 0U);
}

TEST_F(ObjectReaderTest, IdleHandlesLetGoOfWhatTheyKeepForARun) {
  MakeFetcher(8 * kPartBytes);
  const std::string text = SeededText(1, kPartBytes);
  std::vector<std::unique_ptr<ObjectReader>> idle;
  for (int i = 0; i < 8; ++i) {
    idle.push_back(fetcher_->Open(GivenVersion("k" + std::to_string(i), text)));
    EXPECT_THAT(idle.back()->ReadBlocking({.begin = 0, .end = 100}, Soon()), IsOk());
  }
  EXPECT_EQ(fetcher_->memory_bytes_taken(), 8 * kPartBytes);
  TextSink sink;
  EXPECT_THAT(fetcher_->Run(SourceOf({GivenObject("run", text)}), sink, Soon()), IsOk());
  EXPECT_THAT(sink.end(0), IsOk());
}

// One request at a time: a first one that waits at a gate, while others queue up behind it.
class QueuedReadsTest : public ObjectReaderTest {
 protected:
  QueuedReadsTest() {
    MakeFetcher(16 * kPartBytes, 1);
    const ObjectVersion object = GivenVersion("a", text_);
    first_ = fetcher_->Open(object);
    second_ = fetcher_->Open(object);
    busy_ = fetcher_->Open(object);
    before_gate_ = GateGets("a", 1);
    third_gate_ = GateGets("a", 3);
    before_ = Begin(*busy_, {.begin = 120 * kPartBytes, .end = 121 * kPartBytes});
    faulty_.AwaitGated(1);
  }
  static ByteRange At(uint64_t part) {
    return {.begin = part * kPartBytes, .end = part * kPartBytes + 100};
  }
  void ExpectItsBytes(Begun& begun, ByteRange range) const {
    const auto read = begun.get();
    ASSERT_THAT(read, IsOk());
    EXPECT_EQ(TextOf(*read), text_.substr(range.begin, range.size_bytes()));
  }

  const std::string text_ = SeededText(1, 1U << 20U);
  std::unique_ptr<ObjectReader> first_;
  std::unique_ptr<ObjectReader> second_;
  std::unique_ptr<ObjectReader> busy_;
  std::shared_ptr<Gate> before_gate_;
  std::shared_ptr<Gate> third_gate_;
  Begun before_;
};

TEST_F(QueuedReadsTest, HintsComeInTheOrderInWhichTheyWereGiven) {
  const auto second_gate = GateGets("a", 1);
  first_->WillRead(std::vector{At(100), At(80)});
  before_gate_->Open();
  faulty_.AwaitGated(2);
  // What is asked for is not moved any more.
  Begun named_first = Begin(*second_, At(100));
  Begun named_last = Begin(*second_, At(80));
  second_gate->Open();
  ExpectItsBytes(named_first, At(100));
  third_gate_->Open();
  ExpectItsBytes(named_last, At(80));
}

TEST_F(QueuedReadsTest, AReadComesBeforeHintsAlsoWhenItWasOne) {
  first_->WillRead(std::vector{At(80), At(90), At(100)});
  Begun wanted = Begin(*second_, At(100));
  before_gate_->Open();
  ExpectItsBytes(wanted, At(100));
  third_gate_->Open();
}

TEST_F(QueuedReadsTest, EqualReadsAtOnceCostOneRequest) {
  Begun one = Begin(*first_, At(100));
  Begun other = Begin(*second_, At(100));
  before_gate_->Open();
  ExpectItsBytes(one, At(100));
  ExpectItsBytes(other, At(100));
  EXPECT_EQ(get_count(), 2U);
}

TEST_F(ObjectReaderTest, HandlesShareWhatAnyOfThemKeeps) {
  MakeFetcher(16 * kPartBytes);
  const ObjectVersion object = GivenVersion("a", SeededText(1, kPartBytes));
  auto first = fetcher_->Open(object);
  EXPECT_THAT(first->ReadBlocking({.begin = 0, .end = 100}, Soon()), IsOk());
  auto second = fetcher_->Open(object);
  EXPECT_THAT(second->ReadBlocking({.begin = 0, .end = kPartBytes}, Soon()), IsOk());
  EXPECT_EQ(get_count(), 1U);
  first.reset();
  second.reset();
  EXPECT_THAT(AwaitAllMemory(), IsOk());
  EXPECT_THAT(fetcher_->Open(object)->ReadBlocking({.begin = 0, .end = 100}, Soon()), IsOk());
  EXPECT_EQ(get_count(), 2U);
}

TEST_F(ObjectReaderTest, HintsThatComeTogetherAreKeptUntilEachWasRead) {
  MakeFetcher(16 * kPartBytes);
  auto reader = fetcher_->Open(GivenVersion("a", SeededText(1, 1U << 20U)));
  constexpr uint64_t kFar = 100 * kPartBytes;
  const ByteRange one{.begin = kFar + 100, .end = kFar + 200};
  const ByteRange other{.begin = kFar + 300, .end = kFar + 400};
  reader->WillRead(std::vector{one, other});
  EXPECT_THAT(reader->ReadBlocking(other, Soon()), IsOk());
  EXPECT_EQ(get_count(), 1U);
  auto fresh = fetcher_->Open(reader->object());
  EXPECT_THAT(fresh->ReadBlocking(one, Soon()), IsOk());
  EXPECT_EQ(get_count(), 1U);
}

}  // namespace
}  // namespace headrace::fetch
