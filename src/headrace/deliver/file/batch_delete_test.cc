// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/batch_delete.h"

#include <atomic>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"

namespace headrace::file {
namespace {

using headrace::testing::HasCode;
using headrace::testing::IsOk;

class BatchDeleteTest : public ::testing::Test {
 protected:
  BatchDeleteTest() { EXPECT_THAT(blocking_.CreateBucket("bkt"), IsOk()); }

  EventLoops loops_{2};
  MemoryStore store_{RealClock()};
  testing::BlockingStore blocking_{store_};
};

TEST_F(BatchDeleteTest, DeletesInBatchesAndTellsOfEveryKey) {
  for (int i = 0; i < 25; ++i) ASSERT_THAT(blocking_.Put("bkt", std::to_string(i), "x"), IsOk());
  std::atomic<int> gone = 0;
  {
    BatchDelete deletes(
        store_, loops_, "bkt",
        [&gone](const std::string&, const Error* error) { gone += error == nullptr ? 1 : 0; }, {},
        {.keys_per_request = 10, .requests_in_flight_max = 2});
    for (int i = 0; i < 25; ++i) deletes.Add(std::to_string(i));
    deletes.Finish();
  }
  EXPECT_EQ(gone, 25);
  EXPECT_TRUE(blocking_.Keys("bkt")->empty());
}

TEST_F(BatchDeleteTest, ABatchThatFailsFailsEachOfItsKeys) {
  std::atomic<int> failed = 0;
  BatchDelete deletes(
      store_, loops_, "no-such-bucket",
      [&failed](const std::string&, const Error* error) { failed += error != nullptr ? 1 : 0; },
      {});
  deletes.Add("a");
  deletes.Add("bkt");
  deletes.Finish();
  EXPECT_EQ(failed, 2);
}

}  // namespace
}  // namespace headrace::file
