// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/faulty/faulty_store.h"

#include <future>

#include <gtest/gtest.h>

#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"

namespace headrace {
namespace {

using testing::HasCode;
using testing::IsOk;

class FaultyStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_THAT(store_.CreateBucket("bucket"), IsOk());
    ASSERT_THAT(store_.Put("bucket", "a", "0123456789"), IsOk());
    ASSERT_THAT(store_.Put("bucket", "b", "0123456789"), IsOk());
  }

  MemoryStore memory_{RealClock()};
  FaultyStore faulty_{memory_};
  testing::BlockingStore store_{faulty_};
};

TEST_F(FaultyStoreTest, OnlyTheCallsNamedFail) {
  faulty_.Add({.operation = StoreOperation::kHead,
               .first_call = 2,
               .call_count = 2,
               .error = Error(ErrorCode::kUnavailable, "scripted")});
  EXPECT_THAT(store_.Head("bucket", "a"), IsOk());
  EXPECT_THAT(store_.Head("bucket", "a"), HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(store_.Head("bucket", "b"), HasCode(ErrorCode::kUnavailable));
  EXPECT_THAT(store_.Head("bucket", "a"), IsOk());
  EXPECT_EQ(faulty_.call_count(StoreOperation::kHead), 4U);
  EXPECT_EQ(faulty_.call_count(StoreOperation::kCopy), 0U);
}

TEST_F(FaultyStoreTest, AFaultMayBeAboutOneKey) {
  faulty_.Add({.operation = StoreOperation::kDelete,
               .key = "b",
               .call_count = StoreFault::kEveryCall,
               .error = Error(ErrorCode::kThrottled, "scripted")});
  EXPECT_THAT(store_.Delete("bucket", "a"), IsOk());
  EXPECT_THAT(store_.Delete("bucket", "b"), HasCode(ErrorCode::kThrottled));
  EXPECT_THAT(store_.Delete("bucket", "b"), HasCode(ErrorCode::kThrottled));
}

TEST_F(FaultyStoreTest, ALostAnswerLeavesTheWorkDone) {
  faulty_.Add({.operation = StoreOperation::kPut,
               .error_afterwards = Error(ErrorCode::kTimedOut, "scripted")});
  EXPECT_THAT(store_.Put("bucket", "c", "text"), HasCode(ErrorCode::kTimedOut));
  EXPECT_EQ(store_.Get("bucket", "c").value(), "text");
}

TEST_F(FaultyStoreTest, BytesAreFlippedAndCut) {
  faulty_.Add({.operation = StoreOperation::kGet, .flip_byte_at = 3, .cut_after_bytes = 5});
  EXPECT_EQ(store_.Get("bucket", "a").value(), std::string("012") + static_cast<char>(0xCC) + "4");
  EXPECT_EQ(store_.Get("bucket", "a").value(), "0123456789");
}

TEST_F(FaultyStoreTest, AGatedCallWaitsUntilTheGateIsOpened) {
  const auto gate = std::make_shared<Gate>();
  faulty_.Add({.operation = StoreOperation::kHead, .gate = gate});
  auto head = std::async(std::launch::async, [this] { return store_.Head("bucket", "a"); });
  faulty_.AwaitGated(1);
  gate->Open();
  EXPECT_THAT(head.get(), IsOk());
}

TEST_F(FaultyStoreTest, AGatedCallIsCancelled) {
  std::stop_source source;
  store_.context.stop = source.get_token();
  faulty_.Add({.operation = StoreOperation::kHead, .gate = std::make_shared<Gate>()});
  auto head = std::async(std::launch::async, [this] { return store_.Head("bucket", "a"); });
  faulty_.AwaitGated(1);
  source.request_stop();
  EXPECT_THAT(head.get(), HasCode(ErrorCode::kCancelled));
}

}  // namespace
}  // namespace headrace
