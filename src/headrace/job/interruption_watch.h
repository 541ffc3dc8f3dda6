// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/store/object_store.h"

namespace headrace::job {

// That the machine under a job is about to be taken away.
struct Interruption {
  std::string action;  // "terminate", "stop" or "hibernate"
  SystemTime at{};
};
// Asks whether there is one; nothing: not yet. An error: nobody answers. Blocks.
using InterruptionQuestion =
    std::function<Result<std::optional<Interruption>>(const CallContext& context)>;

struct InterruptionTiming {
  // What Amazon advises for its two minutes of notice.
  std::chrono::milliseconds interval{5'000};
  // Most machines have nobody who would answer: after so many silent questions at the start there
  // are no more.
  int silent_count_max = 3;
};

// Asks again and again, on a thread of its own, until it has heard of an interruption.
// Threads: constructed, ended and destroyed by one.
class InterruptionWatch {
 public:
  // `on_notice` is called once, on the watch's thread.
  InterruptionWatch(InterruptionQuestion question,
                    std::function<void(const Interruption&)> on_notice,
                    InterruptionTiming timing = {});
  ~InterruptionWatch() { End(); }
  InterruptionWatch(const InterruptionWatch&) = delete;
  InterruptionWatch& operator=(const InterruptionWatch&) = delete;

  // Ends the watch. What it has heard.
  std::optional<Interruption> End() HR_EXCLUDES(mutex_);

 private:
  void Watch() HR_EXCLUDES(mutex_);
  bool AwaitNextQuestion() HR_EXCLUDES(mutex_);

  const InterruptionQuestion question_;
  const std::function<void(const Interruption&)> on_notice_;
  const InterruptionTiming timing_;
  std::stop_source stop_;
  Mutex mutex_;
  CondVar ending_;
  std::optional<Interruption> notice_;  // The thread's until it has been joined.
  std::thread thread_;
};

}  // namespace headrace::job
