// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>

#include "headrace/base/task.h"

namespace headrace {

// Suspends the calling task for `span`; true. Less, and false, when `stop` is requested before.
Task<bool> SleepUnlessStopped(std::chrono::nanoseconds span, std::stop_token stop);

// Something that happens once and that tasks on any loop wait for. Copies mean the same event.
// Threads: all methods may be called at once from any thread.
class OneShotEvent {
 public:
  OneShotEvent();

  void Fire();
  // Returns at once when it has happened. True: it happened. False: `stop` was requested or
  // `span` went by before.
  Task<bool> Wait(std::chrono::nanoseconds span, std::stop_token stop) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace headrace
