// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/signal_watch.h"

#include <unistd.h>

#include <csignal>
#include <future>
#include <stop_token>

#include <gtest/gtest.h>

namespace headrace::cli {
namespace {

TEST(Hangups, EachIsAnsweredOnceAndAStopEndsTheWaiting) {
  Hangups hangups;
  std::stop_source source;
  hangups.Note();
  hangups.Note();
  EXPECT_TRUE(hangups.Wait(source.get_token()));
  auto waiting = std::async(std::launch::async, [&] { return hangups.Wait(source.get_token()); });
  source.request_stop();
  EXPECT_FALSE(waiting.get());
}

TEST(SignalWatch, AHangupIsNotedAndEndsNothing) {
  const SignalWatch watch(true);
  ASSERT_EQ(kill(getpid(), SIGHUP), 0);
  EXPECT_TRUE(watch.hangups()->Wait(watch.stop()));
  EXPECT_FALSE(watch.stop().stop_requested());
}

}  // namespace
}  // namespace headrace::cli
