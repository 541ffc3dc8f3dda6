// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/md5_lanes.h"
#include "headrace/base/mutex.h"
#include "headrace/base/task.h"

namespace headrace {

class Md5Piece;

// Brings MD5 updates of all tasks of a process together, whichever loop they run on, so that
// uploads that arrive side by side are summed side by side. It is lazy: a piece waits for company
// until as many wait as go side by side, or somebody needs one of them and no more are likely to
// come within a millisecond or two.
// Threads: all methods may be called at once from any thread.
class Md5Queue {
 public:
  Md5Queue() = default;
  Md5Queue(const Md5Queue&) = delete;
  Md5Queue& operator=(const Md5Queue&) = delete;

  // The process's own: lanes are the processor's.
  static Md5Queue& Shared();

 private:
  friend class Md5Piece;
  // Sums what waits, as far as there are lanes, on the calling thread. False: nothing waited.
  bool RunBatch() HR_EXCLUDES(mutex_);
  void RunAll() HR_EXCLUDES(mutex_);
  // Runs all that waits on `executor`, once its other tasks have had turns without adding to it,
  // and other loops as well or some time.
  void RunSoon(const Executor& executor, uint64_t begun_before, int quiet_turns)
      HR_EXCLUDES(mutex_);
  void RunInTime(const Executor& executor, uint64_t batch) HR_EXCLUDES(mutex_);
  bool MoreAreLikely() const HR_REQUIRES(mutex_);

  Mutex mutex_;
  CondVar ran_;
  std::vector<Md5Piece*> waiting_ HR_GUARDED_BY(mutex_);  // As many as there are tasks.
  uint64_t begun_count_ HR_GUARDED_BY(mutex_) = 0;
  // Everybody who has begun something, now or before.
  std::vector<Md5Piece*> members_ HR_GUARDED_BY(mutex_);
  uint64_t batch_count_ HR_GUARDED_BY(mutex_) = 0;
  // The batch that a timer will run if nobody does before.
  std::optional<uint64_t> timed_batch_ HR_GUARDED_BY(mutex_);
};

// Bytes on their way into one message's digest, one run after the other.
// Threads: one task uses it. Lifetime: ends after what it borrowed has been let go.
class Md5Piece {
 public:
  explicit Md5Piece(Md5Queue& queue) : queue_(queue) {}
  // Takes back what was begun and not summed; waits for what is being summed.
  ~Md5Piece();
  Md5Piece(const Md5Piece&) = delete;
  Md5Piece& operator=(const Md5Piece&) = delete;

  // Hands bytes over; both live until Settle has returned. Not before what was begun is settled.
  // Nobody waits for more of a message after its last bytes.
  void Begin(StreamMd5& md5, std::span<const std::byte> bytes, bool is_last);
  // Suspends until the bytes are in the digest; at once when nothing was begun. Other tasks of the
  // loop get turns first, and perhaps join.
  Task<void> Settle();

 private:
  friend class Md5Queue;
  enum class State : uint8_t { kIdle, kWaiting, kRunning };

  Md5Queue& queue_;
  // Guarded by the queue's lock; the analysis knows no lock of another object.
  State state_ = State::kIdle;
  SteadyTime begun_at_{};
  bool is_last_ = false;
  StreamMd5* md5_ = nullptr;
  std::span<const std::byte> bytes_;
  std::move_only_function<void()> resume_;  // Empty: nobody waits yet.
};

}  // namespace headrace
