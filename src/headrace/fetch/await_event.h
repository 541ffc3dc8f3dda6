// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "headrace/base/task.h"
#include "headrace/base/wait.h"
#include "headrace/store/object_store.h"

namespace headrace::fetch {

// Suspends the calling task until `event` has happened: true; false: `context` ended before.
// What it is given outlives it.
inline Task<bool> AwaitEvent(const OneShotEvent& event, const CallContext& context) {
  // A wait without a deadline looks again after this.
  constexpr std::chrono::hours kWaitMax{1};
  while (true) {
    std::chrono::nanoseconds span = kWaitMax;
    if (const auto at = context.deadline.at()) span = *at - std::chrono::steady_clock::now();
    if (co_await event.Wait(span, context.stop)) co_return true;
    if (context.stop.stop_requested()) co_return false;
    if (context.deadline.HasPassed(std::chrono::steady_clock::now())) co_return false;
  }
}

}  // namespace headrace::fetch
