// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/read_turns.h"

#include <utility>

#include "headrace/fetch/await_event.h"

namespace headrace::fetch {

void ReadTurns::LetIn() {
  while (!waiting_.empty() && waiting_.front()->size_bytes <= size_bytes_max_ - taken_bytes_) {
    taken_bytes_ += waiting_.front()->size_bytes;
    waiting_.front()->has_come = true;
    waiting_.front()->come.Fire();
    waiting_.pop_front();
  }
}

Task<bool> ReadTurns::Take(uint64_t size_bytes, CallContext context) {
  HR_CHECK(size_bytes <= size_bytes_max_);
  auto waiter = std::make_shared<Waiter>();
  waiter->size_bytes = size_bytes;
  {
    const MutexLock lock(mutex_);
    waiting_.push_back(waiter);
    LetIn();
    if (waiter->has_come) co_return true;
  }
  (void)co_await AwaitEvent(waiter->come, context);
  const MutexLock lock(mutex_);
  if (waiter->has_come) co_return true;
  std::erase(waiting_, waiter);
  // It may have been in the way of smaller ones.
  LetIn();
  co_return false;
}

void ReadTurns::Give(uint64_t size_bytes) {
  const MutexLock lock(mutex_);
  taken_bytes_ -= size_bytes;
  LetIn();
}

}  // namespace headrace::fetch
