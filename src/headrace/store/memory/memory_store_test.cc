// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/memory/memory_store.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "testing/blocking_store.h"
#include "testing/manual_clock.h"
#include "testing/result_matchers.h"

namespace headrace {
namespace {

using testing::HasCode;
using testing::IsOk;

TEST(MemoryStore, BeyondItsLimitWritesFailAndRoomComesBackByDeleting) {
  MemoryStore memory(RealClock(), {.size_bytes_max = 10});
  testing::BlockingStore store(memory);
  ASSERT_THAT(store.CreateBucket("bucket"), IsOk());
  ASSERT_THAT(store.Put("bucket", "a", "12345678"), IsOk());
  EXPECT_THAT(store.Put("bucket", "b", "123"), HasCode(ErrorCode::kResourceExhausted));
  EXPECT_THAT(store.Put("bucket", "a", "1234567890"), IsOk());
  EXPECT_THAT(store.Put("bucket", "a", "12345678901"), HasCode(ErrorCode::kResourceExhausted));
  ASSERT_THAT(store.Delete("bucket", "a"), IsOk());
  EXPECT_THAT(store.Put("bucket", "b", "123"), IsOk());
}

TEST(MemoryStore, AnAbortedUploadGivesItsRoomBack) {
  MemoryStore memory(RealClock(), {.size_bytes_max = 10});
  testing::BlockingStore store(memory);
  ASSERT_THAT(store.CreateBucket("bucket"), IsOk());
  const auto upload = store.CreateMultipart({.bucket = "bucket", .key = "big"});
  ASSERT_THAT(store.UploadPart({.upload = *upload}, "12345678"), IsOk());
  EXPECT_THAT(store.Put("bucket", "a", "123"), HasCode(ErrorCode::kResourceExhausted));
  ASSERT_THAT(store.AbortMultipart(*upload), IsOk());
  EXPECT_THAT(store.Put("bucket", "a", "123"), IsOk());
}

TEST(MemoryStore, ModifiedIsTheClocksTimeOfThePut) {
  testing::ManualClock clock(SystemTime{std::chrono::hours(1000)});
  MemoryStore memory(clock);
  testing::BlockingStore store(memory);
  ASSERT_THAT(store.CreateBucket("bucket"), IsOk());
  ASSERT_THAT(store.Put("bucket", "a", "1"), IsOk());
  clock.Advance(std::chrono::hours(1));
  ASSERT_THAT(store.Put("bucket", "b", "1"), IsOk());
  EXPECT_EQ(store.Head("bucket", "a")->info.modified, SystemTime{std::chrono::hours(1000)});
  EXPECT_EQ(store.Head("bucket", "b")->info.modified, SystemTime{std::chrono::hours(1001)});
}

TEST(MemoryStore, BucketNamesThatS3RefusesAreRefused) {
  MemoryStore memory(RealClock());
  testing::BlockingStore store(memory);
  for (const char* name : {"", "ab", "Upper", "under_score", "-dash", "dot.", "a/b"}) {
    SCOPED_TRACE(name);
    EXPECT_THAT(store.CreateBucket(name), HasCode(ErrorCode::kInvalidArgument));
  }
}

TEST(MemoryStore, ManyThreadsWriteAtOnce) {
  constexpr int kThreads = 4;
  constexpr int kObjects = 50;
  MemoryStore memory(RealClock());
  testing::BlockingStore store(memory);
  ASSERT_THAT(store.CreateBucket("bucket"), IsOk());
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread) {
    threads.emplace_back([&memory, thread] {
      testing::BlockingStore own(memory);
      for (int i = 0; i < kObjects; ++i) {
        const std::string key = std::to_string(thread) + "/" + std::to_string(i);
        EXPECT_THAT(own.Put("bucket", key, key), IsOk());
        EXPECT_THAT(own.Put("bucket", "shared", key), IsOk());
        EXPECT_THAT(own.Keys("bucket"), IsOk());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store.Keys("bucket")->size(), size_t{kThreads} * kObjects + 1);
}

}  // namespace
}  // namespace headrace
