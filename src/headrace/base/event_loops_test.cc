// SPDX-License-Identifier: Apache-2.0
#include "headrace/base/event_loops.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "headrace/base/error.h"

namespace headrace {
namespace {

Task<Result<std::thread::id>> WhichThread() { co_return std::this_thread::get_id(); }

Task<Result<int>> AddOne(std::unique_ptr<int> value) {
  HR_CO_TRY(co_await WhichThread());
  co_return *value + 1;
}

TEST(EventLoops, EachLoopIsOneThreadAndNextTakesThemInTurn) {
  EventLoops loops(3);
  std::set<std::thread::id> seen;
  for (int i = 0; i < 6; ++i) seen.insert(RunBlocking(loops.Next(), WhichThread()).value());
  EXPECT_EQ(seen.size(), 3U);
  EXPECT_FALSE(seen.contains(std::this_thread::get_id()));
}

TEST(EventLoops, RunBlockingGivesTheTasksValue) {
  EventLoops loops(1);
  auto value = std::make_unique<int>(41);
  EXPECT_EQ(RunBlocking(loops.At(0), AddOne(std::move(value))).value(), 42);
}

Task<Result<int>> WriteToNobody() {
  std::array<int, 2> ends{};
  HR_CHECK(pipe(ends.data()) == 0);
  close(ends[0]);
  const int os_error = write(ends[1], "x", 1) < 0 ? errno : 0;
  close(ends[1]);
  co_return os_error;
}

TEST(EventLoops, APeerWhoIsGoneIsAnErrorAndDoesNotEndTheProcess) {
  EventLoops loops(1);
  EXPECT_EQ(RunBlocking(loops.At(0), WriteToNobody()).value(), EPIPE);
}

Task<void> WaitForEver(std::shared_ptr<int> held) {
  co_await Sleep(std::chrono::hours(1000));
  *held = 1;
}

TEST(EventLoops, DestructionFreesWhatIsSuspended) {
  auto held = std::make_shared<int>(0);
  {
    EventLoops loops(1);
    SpawnDetached(loops.At(0), WaitForEver(held));
    RunBlocking(loops.At(0), WhichThread()).value();
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(*held, 0);
}

}  // namespace
}  // namespace headrace
