// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/ordered_reader.h"

#include <chrono>
#include <memory>
#include <string>
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

class OrderedReaderTest : public ::testing::Test {
 protected:
  OrderedReaderTest() { EXPECT_THAT(store_.CreateBucket("data"), IsOk()); }

  PlannedRead GivenObject(const std::string& key, const std::string& text) {
    return headrace::testing::GivenObject(store_, "data", key, text);
  }
  Result<std::string> ReadAll(OrderedReader& reader) {
    std::string text;
    while (true) {
      HR_TRY_ASSIGN(std::optional<Part> part, reader.Next());
      if (!part) return text;
      text += AsText(part->bytes.span());
    }
  }

  MemoryStore memory_{RealClock()};
  BlockingStore store_{memory_};
  EventLoops loops_{2};
  Fetcher fetcher_{memory_, loops_, {.part_size_bytes = 10, .memory_bytes_max = 16ULL * 4096}};
};

TEST_F(OrderedReaderTest, GivesEveryByteInOrderWithinItsMemory) {
  std::string expected;
  std::vector<PlannedRead> reads;
  for (int i = 0; i < 30; ++i) {
    std::string text;
    for (int k = 0; k < i * 7; ++k) text += static_cast<char>('a' + (i + k) % 26);
    reads.push_back(GivenObject("k" + std::to_string(i), text));
    expected += text;
  }
  {
    OrderedReader reader(fetcher_, SourceOf(reads), {});
    const auto text = ReadAll(reader);
    ASSERT_THAT(text, IsOk());
    EXPECT_EQ(*text, expected);
  }
  EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
}

TEST_F(OrderedReaderTest, ReadersThatStallDoNotStarveTheNext) {
  constexpr uint64_t kPage = 4096;
  Fetcher fetcher(memory_, loops_, {.part_size_bytes = kPage, .memory_bytes_max = 8 * kPage});
  const CallContext soon{
      .deadline = Deadline::After(std::chrono::seconds(20), std::chrono::steady_clock::now()),
      .stop = {}};
  const std::string text = SeededText(1, 13 * kPage);
  const PlannedRead large = GivenObject("large", text);
  std::vector<std::unique_ptr<OrderedReader>> stalled;
  for (int i = 0; i < 3; ++i) {
    stalled.push_back(std::make_unique<OrderedReader>(fetcher, SourceOf({large, large}), soon));
    ASSERT_THAT(stalled.back()->Next(), IsOk());
  }
  OrderedReader last(fetcher, SourceOf({large}), soon);
  const auto read = ReadAll(last);
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(*read == text);
}

TEST_F(OrderedReaderTest, AFailedReadEndsTheStreamAfterTheBytesBeforeIt) {
  const PlannedRead first = GivenObject("a", "0123456789abcdef");
  PlannedRead gone = GivenObject("b", "never seen");
  gone.key = "absent";
  OrderedReader reader(fetcher_, SourceOf({first, gone, first}), {});
  std::string before;
  Result<std::optional<Part>> next = reader.Next();
  for (; next && *next; next = reader.Next()) before += AsText((*next)->bytes.span());
  EXPECT_EQ(before, "0123456789abcdef");
  EXPECT_THAT(next, HasCode(ErrorCode::kNotFound));
  EXPECT_THAT(reader.Next(), HasCode(ErrorCode::kNotFound));
}

TEST_F(OrderedReaderTest, DroppedInTheMiddleItReturnsItsMemory) {
  const PlannedRead large = GivenObject("a", std::string(10'000, 'x'));
  {
    OrderedReader reader(fetcher_, SourceOf({large}), {});
    ASSERT_THAT(reader.Next(), IsOk());
  }
  EXPECT_EQ(fetcher_.memory_bytes_taken(), 0U);
}

TEST_F(OrderedReaderTest, AnObjectReplacedSinceItWasListedIsRefused) {
  const PlannedRead large = GivenObject("a", std::string(100, 'x'));
  GivenObject("a", std::string(100, 'y'));
  OrderedReader reader(fetcher_, SourceOf({large}), {});
  EXPECT_THAT(ReadAll(reader), HasCode(ErrorCode::kPreconditionFailed));
}

TEST_F(OrderedReaderTest, APartIsHedgedThoughAllMemoryHoldsWhatWaitsBehindIt) {
  constexpr uint64_t kPage = 4096;
  FaultyStore faulty(memory_);
  Fetcher fetcher(faulty, loops_,
                  {.part_size_bytes = kPage,
                   .memory = MemoryBudget::Make(64 * kPage),
                   .memory_bytes_max = 4 * kPage});
  const CallContext soon{
      .deadline = Deadline::After(std::chrono::seconds(20), std::chrono::steady_clock::now()),
      .stop = {}};
  // So that it is known what is late.
  TextSink warm;
  const std::vector<PlannedRead> usual(600, GivenObject("usual", "as always"));
  ASSERT_THAT(fetcher.Run(SourceOf(usual), warm, soon), IsOk());

  const auto never = std::make_shared<Gate>();
  faulty.Add({.operation = StoreOperation::kGet, .key = "large", .gate = never});
  const std::string text = SeededText(1, 9 * kPage);
  OrderedReader reader(fetcher, SourceOf({GivenObject("large", text)}), soon);
  const auto read = ReadAll(reader);
  ASSERT_THAT(read, IsOk());
  EXPECT_TRUE(*read == text);
  EXPECT_EQ(fetcher.gauges().hedges_won, 1U);
}

}  // namespace
}  // namespace headrace::fetch
