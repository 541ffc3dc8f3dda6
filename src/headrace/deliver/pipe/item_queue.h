// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/deliver/pipe/pipe_item.h"

namespace headrace::pipe {

// What the writer has to know of an item whose bytes come from elsewhere, or its bytes.
struct QueuedItem {
  bool is_read = false;
  uint64_t size_bytes = 0;  // As stored.
  std::string bucket;       // Of a read.
  std::string key;
  std::string bytes;  // Of an item that is no read.
};

// Items between the thread that plans and the one that writes, in order.
// Threads: Push and End on one thread, Pop on another, Close on any.
class ItemQueue {
 public:
  // A stop closes the queue.
  explicit ItemQueue(const std::stop_token& stop) : on_stop_(stop, [this] { Close(); }) {}

  // Blocks while too much waits. False: the queue was closed.
  bool Push(QueuedItem item) HR_EXCLUDES(mutex_);
  // No item follows: the end, or why there is none.
  void End(Status status) HR_EXCLUDES(mutex_);
  // Blocks until there is an item or none will come. kCancelled once the queue was closed.
  Result<std::optional<QueuedItem>> Pop() HR_EXCLUDES(mutex_);
  void Close() HR_EXCLUDES(mutex_);

 private:
  // Two thousand values of an augmented manifest at their usual size, ten thousand objects' names.
  static constexpr uint64_t kWaitingBytesMax = 2ULL << 20U;
  static uint64_t CostOf(const QueuedItem& item) {
    return sizeof(QueuedItem) + item.key.size() + item.bucket.size() + item.bytes.size();
  }

  Mutex mutex_;
  CondVar changed_;
  std::deque<QueuedItem> items_ HR_GUARDED_BY(mutex_);
  uint64_t waiting_bytes_ HR_GUARDED_BY(mutex_) = 0;
  std::optional<Status> end_ HR_GUARDED_BY(mutex_);
  bool is_closed_ HR_GUARDED_BY(mutex_) = false;
  std::stop_callback<std::function<void()>> on_stop_;  // Last: it uses all the others.
};

}  // namespace headrace::pipe
