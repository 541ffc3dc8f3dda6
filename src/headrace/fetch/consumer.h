// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "headrace/fetch/read_state.h"

namespace headrace::fetch {

// Whoever reads are made for: a run, or an object that is read on demand. It has its own queue in
// the scheduler.
//
// Threads: the callbacks come on event loops, or on the thread that drops or adds reads; several at
// once; under no lock; they must not block.
class Consumer {
 public:
  // `reads_side_by_side` is at least 1.
  explicit Consumer(CallContext context, size_t reads_side_by_side = 1)
      : context_(std::move(context)), reads_side_by_side_(reads_side_by_side) {
    HR_CHECK(reads_side_by_side > 0);
  }
  virtual ~Consumer() = default;
  Consumer(const Consumer&) = delete;
  Consumer& operator=(const Consumer&) = delete;

  virtual void OnPart(const ReadState& read, uint64_t offset, PartBytes bytes) = 0;
  // Once for each read, after its last part.
  virtual void OnReadEnd(const ReadState& read, Status status) = 0;
  // The read's parts broke the object's checksum. True: it was queued again, all its parts will
  // come once more, and OnReadEnd after them.
  virtual bool ReadAgain(const std::shared_ptr<ReadState>& /*read*/) { return false; }
  // Few reads are left in the queue, after Scheduler::RoomFor said that there were many.
  virtual void OnRoom() {}

  const CallContext& context() const { return context_; }

 private:
  friend class Scheduler;
  const CallContext context_;
  const size_t reads_side_by_side_;
  // Guarded by the scheduler's lock.
  std::deque<std::shared_ptr<ReadState>> waiting_;
  bool is_listed_ = false;
  bool wants_room_ = false;
};

}  // namespace headrace::fetch
