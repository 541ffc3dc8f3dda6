// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/file/version_delete.h"

#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "headrace/base/mutex.h"
#include "headrace/store/faulty/faulty_store.h"
#include "headrace/store/memory/memory_store.h"
#include "testing/blocking_store.h"
#include "testing/result_matchers.h"

namespace headrace::file {
namespace {

using headrace::testing::IsOk;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class VersionDeleteTest : public ::testing::Test {
 protected:
  VersionDeleteTest() { EXPECT_THAT(blocking_.CreateBucket("bkt"), IsOk()); }

  std::string Given(const std::string& key, const std::string& text) {
    return blocking_.Put("bkt", key, text)->etag;
  }
  VersionDelete::OnKey Remember() {
    return [this](const std::string& key, const Error* error) {
      const MutexLock lock(mutex_);
      ++told_;
      if (error != nullptr) failures_.emplace(key, error->code());
    };
  }

  EventLoops loops_{2};
  MemoryStore memory_{RealClock()};
  FaultyStore store_{memory_};
  testing::BlockingStore blocking_{memory_};
  Mutex mutex_;
  int told_ = 0;
  std::map<std::string, ErrorCode> failures_;
};

TEST_F(VersionDeleteTest, DeletesTheVersionNamedAndLeavesANewerOne) {
  const std::string same = Given("same", "x");
  const std::string old = Given("replaced", "x");
  Given("replaced", "newer");
  const std::string gone = Given("gone", "x");
  ASSERT_THAT(blocking_.Delete("bkt", "gone"), IsOk());
  Given("any", "x");
  VersionDelete deletes(store_, loops_, "bkt", Remember(), {});
  deletes.Add("same", same);
  deletes.Add("replaced", old);
  deletes.Add("gone", gone);
  deletes.Add("any", "");
  deletes.Finish();
  EXPECT_EQ(told_, 4);
  EXPECT_THAT(failures_, ElementsAre(std::pair<const std::string, ErrorCode>(
                             "replaced", ErrorCode::kPreconditionFailed)));
  EXPECT_THAT(*blocking_.Keys("bkt"), ElementsAre("replaced"));
}

TEST_F(VersionDeleteTest, WhatIsReplacedBetweenTheTwoRequestsStays) {
  const std::string old = Given("k", "x");
  auto gate = std::make_shared<Gate>();
  store_.Add({.operation = StoreOperation::kDelete, .gate = gate});
  VersionDelete deletes(store_, loops_, "bkt", Remember(), {});
  deletes.Add("k", old);
  store_.AwaitGated(1);
  Given("k", "newer");
  gate->Open();
  deletes.Finish();
  EXPECT_EQ(failures_.at("k"), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(blocking_.Get("bkt", "k").value(), "newer");
}

TEST_F(VersionDeleteTest, AStoreWithoutConditionalDeletesIsAskedAndThenObeyed) {
  const std::string same = Given("same", "x");
  const std::string old = Given("replaced", "x");
  Given("replaced", "newer");
  store_.Add({.operation = StoreOperation::kDelete,
              .error = Error(ErrorCode::kUnsupported, "no If-Match on DELETE")});
  VersionDelete deletes(store_, loops_, "bkt", Remember(), {});
  deletes.Add("same", same);
  deletes.Finish();
  deletes.Add("replaced", old);
  deletes.Finish();
  EXPECT_EQ(failures_.at("replaced"), ErrorCode::kPreconditionFailed);
  EXPECT_EQ(failures_.size(), 1U);
  EXPECT_THAT(*blocking_.Keys("bkt"), ElementsAre("replaced"));
}

TEST_F(VersionDeleteTest, RunsAsManyAtOnceAsAllowed) {
  std::vector<std::string> etags;
  for (int i = 0; i < 6; ++i) etags.push_back(Given(std::to_string(i), "x"));
  auto gate = std::make_shared<Gate>();
  store_.Add(
      {.operation = StoreOperation::kHead, .call_count = StoreFault::kEveryCall, .gate = gate});
  std::jthread opener([this, gate] {
    store_.AwaitGated(3);
    gate->Open();
  });
  VersionDelete deletes(store_, loops_, "bkt", Remember(), {}, {.objects_in_flight_max = 3});
  for (int i = 0; i < 6; ++i) deletes.Add(std::to_string(i), etags[static_cast<size_t>(i)]);
  deletes.Finish();
  EXPECT_THAT(failures_, IsEmpty());
  EXPECT_THAT(*blocking_.Keys("bkt"), IsEmpty());
}

}  // namespace
}  // namespace headrace::file
