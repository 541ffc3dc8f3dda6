// SPDX-License-Identifier: Apache-2.0
#include "headrace/store/s3/endpoint_throttle.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <queue>
#include <vector>

#include <gtest/gtest.h>

#include "headrace/base/random.h"

namespace headrace::s3 {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class EndpointThrottleTest : public ::testing::Test {
 protected:
  // A second of answers, of which every `every`th says to slow down; 0: none.
  void AnswerForASecond(int rate, int every) {
    for (int i = 1; i <= rate; ++i) {
      now_ += std::chrono::nanoseconds(1'000'000'000 / rate);
      if (every > 0 && i % every == 0) {
        throttle_.OnSlowDown(now_);
      } else {
        throttle_.OnAnswer(now_);
      }
    }
  }
  // When a request that wants to be sent at `at` may be.
  SteadyTime TimeOfTurn(SteadyTime at) {
    while (true) {
      const ThrottleTurn turn = throttle_.Take(at);
      at += turn.wait;
      if (turn.is_granted) return at;
    }
  }
  // How many requests are let through in a second, each sent when it may be.
  int SentInASecond() {
    const SteadyTime end = now_ + seconds(1);
    int sent = 0;
    for (SteadyTime at = now_; at < end && sent < 100'000; ++sent) {
      at = TimeOfTurn(at);
      now_ = at;
    }
    now_ = end;
    return sent;
  }

  SteadyTime now_{seconds(100)};
  EndpointThrottle throttle_{ThrottleOptions{}};
};

TEST_F(EndpointThrottleTest, AFewSlowDownsLimitNothing) {
  for (int i = 0; i < 10; ++i) AnswerForASecond(2000, 200);
  EXPECT_FALSE(throttle_.is_limiting());
  EXPECT_EQ(throttle_.Take(now_).wait, std::chrono::nanoseconds(0));
}

TEST_F(EndpointThrottleTest, ManyLimitAllRequestsBelowWhatWasAnswered) {
  AnswerForASecond(1000, 2);
  ASSERT_TRUE(throttle_.is_limiting());
  EXPECT_LT(SentInASecond(), 500);
}

TEST_F(EndpointThrottleTest, RecoversUntilNothingIsLimited) {
  AnswerForASecond(1000, 2);
  const int at_first = SentInASecond();
  now_ += seconds(2);
  const int later = SentInASecond();
  EXPECT_GT(later, at_first);
  now_ += seconds(10);
  EXPECT_EQ(throttle_.Take(now_).wait, std::chrono::nanoseconds(0));
  EXPECT_FALSE(throttle_.is_limiting());
}

TEST_F(EndpointThrottleTest, GoesDownFurtherWhileSlowDownsGoOn) {
  AnswerForASecond(1000, 2);
  const int at_first = SentInASecond();
  AnswerForASecond(300, 2);
  AnswerForASecond(150, 2);
  EXPECT_LT(SentInASecond(), at_first);
}

TEST_F(EndpointThrottleTest, LetsAFewRequestsThroughWhateverHappens) {
  for (int i = 0; i < 20; ++i) AnswerForASecond(100, 1);
  EXPECT_GE(SentInASecond(), 9);
}

TEST_F(EndpointThrottleTest, ALongRowIsLetGoWhenTheLimitEnds) {
  for (int i = 0; i < 8; ++i) throttle_.OnSlowDown(now_);
  ASSERT_TRUE(throttle_.is_limiting());
  constexpr int kRequests = 1024;
  SteadyTime last = now_;
  for (int i = 0; i < kRequests; ++i) {
    // Asked one after the other in 0.3 s; each answer is looked at again when it says so.
    const SteadyTime at = now_ + milliseconds(300) * i / kRequests;
    const ThrottleTurn turn = throttle_.Take(at);
    last = std::max(last, at + turn.wait);
  }
  EXPECT_LE(last - now_, 3 * ThrottleOptions().doubling_time);
  EXPECT_TRUE(throttle_.Take(last).is_granted);
  EXPECT_FALSE(throttle_.is_limiting());
}

TEST_F(EndpointThrottleTest, TheFirstCutKnowsTheRateBeforeIt) {
  AnswerForASecond(10'000, 0);
  AnswerForASecond(10'000, 0);
  // A window that has just begun has hardly an answer.
  for (int i = 0; i < 10; ++i) throttle_.OnAnswer(now_ += std::chrono::microseconds(100));
  for (int i = 0; i < 8; ++i) throttle_.OnSlowDown(now_ += milliseconds(1));
  ASSERT_TRUE(throttle_.is_limiting());
  EXPECT_GT(SentInASecond(), 6'000);
}

TEST(ThrottleSlots, AreWhatAGrowingRateLetsThrough) {
  EXPECT_DOUBLE_EQ(SlotsBy(seconds(0), 10, seconds(2)), 0);
  // Summed up in small steps: 10 a second, doubling every 2 s, for 4 s.
  double summed = 0;
  for (int step = 0; step < 4000; ++step) summed += 10 * std::exp2((step + 0.5) / 2000) / 1000;
  EXPECT_NEAR(SlotsBy(seconds(4), 10, seconds(2)), summed, 0.01);
  for (const double slots : {0.0, 1.0, 100.0, 10'000.0}) {
    EXPECT_NEAR(SlotsBy(SlotAt(slots, 10, seconds(2)), 10, seconds(2)), slots, 1e-4);
  }
}

// A full window of requests, each followed by the next one, and a store that says slow down to all
// of them for a second. All time is made up.
class BlackedOutStore {
 public:
  static constexpr size_t kWindow = 1024;
  static constexpr milliseconds kAnswerTime{100};
  static constexpr milliseconds kBlackoutBegin{2'000};
  static constexpr milliseconds kBlackoutEnd{3'000};

  // Good answers in every second of `run_for`.
  std::vector<int> Run(std::chrono::seconds run_for) {
    std::vector<int> good(static_cast<size_t>(run_for.count()), 0);
    for (size_t i = 0; i < kWindow; ++i) Push(begin_ + kAnswerTime * i / kWindow, false);
    while (events_.top().at < begin_ + run_for) {
      const Event event = events_.top();
      events_.pop();
      if (!event.is_answer) {
        AskAt(event.at);
        continue;
      }
      const auto since = event.at - begin_;
      if (since >= kBlackoutBegin && since < kBlackoutEnd) {
        throttle_.OnSlowDown(event.at);
        // As a first retry waits: up to some hundred milliseconds.
        Push(event.at + milliseconds(random_.Next() % 300), false);
      } else {
        throttle_.OnAnswer(event.at);
        ++good[static_cast<size_t>(since / seconds(1))];
        Push(event.at, false);
      }
    }
    return good;
  }

 private:
  struct Event {
    SteadyTime at;
    bool is_answer;  // Otherwise somebody asks.
    bool operator<(const Event& other) const { return at > other.at; }
  };

  void Push(SteadyTime at, bool is_answer) { events_.push({.at = at, .is_answer = is_answer}); }
  void AskAt(SteadyTime now) {
    const ThrottleTurn turn = throttle_.Take(now);
    if (turn.is_granted) {
      Push(now + turn.wait + kAnswerTime, true);
    } else {
      Push(now + turn.wait, false);
    }
  }

  const SteadyTime begin_{seconds(100)};
  EndpointThrottle throttle_{ThrottleOptions{}};
  Random random_{1};
  std::priority_queue<Event> events_;
};

TEST(EndpointThrottle, ASecondOfSlowDownsCostsAFullWindowSecondsAndNotMinutes) {
  const std::vector<int> good = BlackedOutStore().Run(seconds(12));
  const int before = good[1];
  ASSERT_GT(before, 9'000);
  // The last cut is at most at the blackout's end, and its limit ends three doublings later.
  EXPECT_GT(good[10], before * 9 / 10);
  EXPECT_GT(good[11], before * 9 / 10);
}

}  // namespace
}  // namespace headrace::s3
