// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/deliver/file/transfer.h"

namespace headrace::file {

// Pulls a source on a thread of its own, at most `count_max` items ahead of its reader: listing and
// comparing go on while bytes move, and totals are known early.
// Threads: Next from one thread; the source and `on_item` run on this object's thread. Destruction
// ends the source after the item it is busy with.
template <typename Item>
class ReadAhead {
 public:
  // Hears of each item as it is found, and at the end (null). Must be quick.
  using OnItem = std::function<void(const Item* item)>;

  ReadAhead(ItemSource<Item> source, size_t count_max, OnItem on_item)
      : source_(std::move(source)),
        count_max_(count_max),
        on_item_(std::move(on_item)),
        thread_([this] { PullAll(); }) {}
  ~ReadAhead() {
    {
      const MutexLock lock(mutex_);
      is_abandoned_ = true;
    }
    changed_.NotifyAll();
    thread_.join();
  }
  ReadAhead(const ReadAhead&) = delete;
  ReadAhead& operator=(const ReadAhead&) = delete;

  // The source's next item, its end, or its error behind the items before it.
  Result<std::optional<Item>> Next() HR_EXCLUDES(mutex_) {
    std::optional<Item> item;
    {
      const MutexLock lock(mutex_);
      while (items_.empty() && !end_) changed_.Wait(mutex_);
      if (items_.empty()) {
        if (!end_->has_value()) return std::unexpected(end_->error());
        return std::nullopt;
      }
      item = std::move(items_.front());
      items_.pop_front();
    }
    changed_.NotifyAll();
    return item;
  }

 private:
  void PullAll() HR_EXCLUDES(mutex_) {
    while (true) {
      Result<std::optional<Item>> item = source_();
      const bool is_end = !item.has_value() || !item->has_value();
      if (item.has_value()) on_item_(item->has_value() ? &**item : nullptr);
      {
        const MutexLock lock(mutex_);
        while (items_.size() >= count_max_ && !is_abandoned_) changed_.Wait(mutex_);
        if (is_abandoned_) return;
        if (is_end) {
          end_ = item.has_value() ? Ok() : Status(std::unexpected(item.error()));
        } else {
          items_.push_back(**std::move(item));
        }
      }
      changed_.NotifyAll();
      if (is_end) return;
    }
  }

  ItemSource<Item> source_;
  const size_t count_max_;
  const OnItem on_item_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<Item> items_ HR_GUARDED_BY(mutex_);
  std::optional<Status> end_ HR_GUARDED_BY(mutex_);
  bool is_abandoned_ HR_GUARDED_BY(mutex_) = false;
  std::thread thread_;  // Last: it uses all the others.
};

}  // namespace headrace::file
