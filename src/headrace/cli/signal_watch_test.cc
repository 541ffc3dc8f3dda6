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

void AwaitStop(const std::stop_token& stop) {
  std::promise<void> stopped;
  const std::stop_callback notify(stop, [&] { stopped.set_value(); });
  stopped.get_future().wait();
}

TEST(SignalWatch, AHangupIsARequestToStopWhereNothingReloads) {
  const SignalWatch watch;
  ASSERT_EQ(kill(getpid(), SIGHUP), 0);
  AwaitStop(watch.stop());
  EXPECT_TRUE(watch.stop().stop_requested());
}

TEST(SignalWatch, AnIgnoredSignalStaysIgnored) {
  std::signal(SIGHUP, SIG_IGN);
  {
    const SignalWatch watch;
    ASSERT_EQ(kill(getpid(), SIGHUP), 0);
    ASSERT_EQ(kill(getpid(), SIGTERM), 0);
    AwaitStop(watch.stop());
    // A second one would have ended the process.
    EXPECT_TRUE(watch.stop().stop_requested());
  }
  std::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace headrace::cli
