// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/interruption_watch.h"

#include <utility>

namespace headrace::job {

using std::chrono::steady_clock;

InterruptionWatch::InterruptionWatch(InterruptionQuestion question,
                                     std::function<void(const Interruption&)> on_notice,
                                     InterruptionTiming timing)
    : question_(std::move(question)),
      on_notice_(std::move(on_notice)),
      timing_(timing),
      thread_([this] { Watch(); }) {}

std::optional<Interruption> InterruptionWatch::End() {
  if (thread_.joinable()) {
    stop_.request_stop();
    {
      const MutexLock lock(mutex_);
      ending_.NotifyAll();
    }
    thread_.join();
  }
  return notice_;
}

bool InterruptionWatch::AwaitNextQuestion() {
  const MutexLock lock(mutex_);
  const auto until = steady_clock::now() + timing_.interval;
  while (!stop_.stop_requested()) {
    if (!ending_.WaitUntil(mutex_, until) && steady_clock::now() >= until) return true;
  }
  return false;
}

void InterruptionWatch::Watch() {
  bool has_answered = false;
  int silent_count = 0;
  do {
    const CallContext call{.deadline = Deadline::After(timing_.interval, steady_clock::now()),
                           .stop = stop_.get_token()};
    auto answer = question_(call);
    if (stop_.stop_requested()) return;
    if (!answer) {
      if (!has_answered && ++silent_count >= timing_.silent_count_max) return;
      continue;
    }
    has_answered = true;
    if (*answer) {
      notice_ = std::move(**answer);
      on_notice_(*notice_);
      return;
    }
  } while (AwaitNextQuestion());
}

}  // namespace headrace::job
