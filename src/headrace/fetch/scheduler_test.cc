// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/scheduler.h"

#include <future>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/planned_reads.h"
#include "testing/result_matchers.h"
#include "testing/seeded_bytes.h"

namespace headrace::fetch {
namespace {

using headrace::testing::BlockingStore;
using headrace::testing::GivenObject;
using headrace::testing::IsOk;
using headrace::testing::SeededText;

constexpr size_t kPage = 4096;
constexpr uint64_t kAll = std::numeric_limits<uint64_t>::max();

// Waits for one read.
class OneRead final : public Consumer {
 public:
  OneRead() : Consumer(CallContext{}) {}
  void OnPart(const ReadState& /*read*/, uint64_t /*offset*/, PartBytes /*bytes*/) override {}
  void OnReadEnd(const ReadState& /*read*/, Status status) override {
    ended.set_value(std::move(status));
  }
  std::promise<Status> ended;
};

class SchedulerTest : public ::testing::Test {
 protected:
  SchedulerTest() { EXPECT_THAT(store_.CreateBucket("data"), IsOk()); }
  ~SchedulerTest() override { scheduler_->Shutdown(); }

  MemoryStore memory_store_{RealClock()};
  BlockingStore store_{memory_store_};
  EventLoops loops_{1};
  std::shared_ptr<MemoryBudget> memory_ = MemoryBudget::Make(64 * kPage);
  std::shared_ptr<Scheduler> scheduler_ = std::make_shared<Scheduler>(
      memory_store_, loops_, SchedulerOptions{.part_size_bytes = kPage}, memory_);
};

TEST_F(SchedulerTest, AReadPromotedBeforeItIsAddedIsPaidByItsPromoter) {
  const PlannedRead planned = GivenObject(store_, "data", "a", SeededText(1, 100));
  const auto full = memory_->OpenAccount(kPage);
  const auto held = memory_->TryTake(full, kPage);
  const auto consumer = std::make_shared<OneRead>();
  auto read = std::make_shared<ReadState>(planned, 0, consumer, full);
  scheduler_->Promote(read, memory_->OpenAccount(kAll));
  scheduler_->Add(std::move(read));
  EXPECT_THAT(consumer->ended.get_future().get(), IsOk());
}

}  // namespace
}  // namespace headrace::fetch
