// SPDX-License-Identifier: Apache-2.0
#include "headrace/deliver/pipe/item_queue.h"

#include <utility>

namespace headrace::pipe {

bool ItemQueue::Push(QueuedItem item) {
  const MutexLock lock(mutex_);
  while (waiting_bytes_ >= kWaitingBytesMax && !is_closed_) changed_.Wait(mutex_);
  if (is_closed_) return false;
  waiting_bytes_ += CostOf(item);
  items_.push_back(std::move(item));
  changed_.NotifyAll();
  return true;
}

void ItemQueue::End(Status status) {
  const MutexLock lock(mutex_);
  end_ = std::move(status);
  changed_.NotifyAll();
}

Result<std::optional<QueuedItem>> ItemQueue::Pop() {
  const MutexLock lock(mutex_);
  while (items_.empty() && !end_ && !is_closed_) changed_.Wait(mutex_);
  if (is_closed_) return Fail(ErrorCode::kCancelled, "reading cancelled");
  if (items_.empty()) {
    if (!*end_) return std::unexpected(end_->error());
    return std::optional<QueuedItem>();
  }
  std::optional<QueuedItem> item = std::move(items_.front());
  items_.pop_front();
  waiting_bytes_ -= CostOf(*item);
  changed_.NotifyAll();
  return item;
}

void ItemQueue::Close() {
  const MutexLock lock(mutex_);
  is_closed_ = true;
  changed_.NotifyAll();
}

}  // namespace headrace::pipe
