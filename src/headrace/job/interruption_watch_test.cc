// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/interruption_watch.h"

#include <future>
#include <vector>

#include <gtest/gtest.h>

namespace headrace::job {
namespace {

constexpr InterruptionTiming kQuick{.interval = std::chrono::milliseconds(1)};

// Gives its answers one by one, then the last again and again, and says when it was asked often.
struct ScriptedAnswers {
  Result<std::optional<Interruption>> operator()(const CallContext&) {
    const auto answer = answers[std::min(asked, answers.size() - 1)];
    if (++asked == awaited) reached.set_value();
    return answer;
  }
  std::vector<Result<std::optional<Interruption>>> answers;
  size_t awaited = 0;
  size_t asked = 0;
  std::promise<void> reached;
};

const Result<std::optional<Interruption>> kNothing = std::nullopt;
const Result<std::optional<Interruption>> kSilence = Fail(ErrorCode::kTimedOut, "nobody answers");
const Result<std::optional<Interruption>> kNotice =
    Interruption{.action = "terminate", .at = SystemTime(std::chrono::seconds(7))};

TEST(InterruptionWatch, TellsOfAnInterruptionOnce) {
  ScriptedAnswers script{.answers = {kNothing, kNothing, kNotice}};
  std::promise<Interruption> heard;
  InterruptionWatch watch(
      std::ref(script), [&](const Interruption& notice) { heard.set_value(notice); }, kQuick);
  EXPECT_EQ(heard.get_future().get().action, "terminate");
  EXPECT_EQ(watch.End()->at, SystemTime(std::chrono::seconds(7)));
  EXPECT_EQ(script.asked, 3U);
}

TEST(InterruptionWatch, AsksNoMoreWhereNobodyEverAnswers) {
  ScriptedAnswers script{.answers = {kSilence, kSilence, kSilence, kNotice}, .awaited = 3};
  InterruptionWatch watch(std::ref(script), [](const Interruption&) { ADD_FAILURE(); }, kQuick);
  script.reached.get_future().wait();
  EXPECT_FALSE(watch.End().has_value());
  EXPECT_EQ(script.asked, 3U);
}

TEST(InterruptionWatch, GoesOnThroughSilenceWhereSomebodyAnswered) {
  ScriptedAnswers script{
      .answers = {kSilence, kNothing, kSilence, kSilence, kSilence, kSilence, kNotice}};
  std::promise<void> heard;
  InterruptionWatch watch(
      std::ref(script), [&](const Interruption&) { heard.set_value(); }, kQuick);
  heard.get_future().wait();
  EXPECT_TRUE(watch.End().has_value());
}

TEST(InterruptionWatch, EndsWithoutWaitingForItsInterval) {
  ScriptedAnswers script{.answers = {kNothing}, .awaited = 1};
  InterruptionWatch watch(std::ref(script), [](const Interruption&) {},
                          {.interval = std::chrono::hours(1)});
  script.reached.get_future().wait();
  EXPECT_FALSE(watch.End().has_value());
}

}  // namespace
}  // namespace headrace::job
