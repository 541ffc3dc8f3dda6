// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <stop_token>
#include <thread>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/job/checkpoint_sync.h"

namespace headrace::job {

struct CheckpointTiming {
  // Between two looks, so that a file is uploaded 5 to 10 s after it was written. A look at 10,000
  // files takes 30 ms of one processor.
  std::chrono::milliseconds interval{5'000};
  // The same once the machine is about to go, and between looks after the command has ended.
  std::chrono::milliseconds hurried_interval{1'000};
  // A file is complete once it was seen unchanged for so long, or for `interval` where that is
  // less. Hurrying does not shorten it: writers pause for a second, and file times have ticks.
  std::chrono::milliseconds rest{5'000};
  // For what is left when the command has ended. Long enough for a store's outage, short enough for
  // nobody to pay a day of an idle machine.
  std::chrono::milliseconds deadline = std::chrono::minutes(15);
};

// Looks at a folder of checkpoints again and again, on a thread of its own. A look that fails is
// told in the log, and the next one begins where it ended.
// Threads: all methods may be called from any thread. Lifetime: `sync` outlives it and is not
// touched by others until Finish has returned.
class CheckpointAgent {
 public:
  CheckpointAgent(CheckpointSync& sync, const CheckpointTiming& timing);
  // Stops what is running; what was not uploaded stays so.
  ~CheckpointAgent();
  CheckpointAgent(const CheckpointAgent&) = delete;
  CheckpointAgent& operator=(const CheckpointAgent&) = delete;

  // Looks at once, and more often from now on.
  void Hurry() HR_EXCLUDES(mutex_);

  // Nobody writes into the folder any more: uploads what is left and ends the thread. Looks until
  // all is uploaded or `context` ends it: kTimedOut or kCancelled then, with why the last look
  // failed; the report's pending files are those of a look at the very end. A writer that
  // `was_killed` may have left files torn: those stay pending, and are no failure.
  Status Finish(const CallContext& context, bool was_killed = false) HR_EXCLUDES(mutex_);

 private:
  void Stop() HR_EXCLUDES(mutex_);
  void Work() HR_EXCLUDES(mutex_);
  // False: the thread is to end.
  bool AwaitNextLook() HR_EXCLUDES(mutex_);
  Status LookOnce(bool is_last, const CallContext& call) HR_EXCLUDES(mutex_);
  void Keep(Status looked) HR_EXCLUDES(mutex_);
  void Tell(const Status& looked);

  CheckpointSync& sync_;
  const CheckpointTiming timing_;
  std::stop_source stop_;

  Mutex mutex_;
  CondVar changed_;
  bool is_hurried_ HR_GUARDED_BY(mutex_) = false;
  bool must_look_ HR_GUARDED_BY(mutex_) = false;
  bool is_finishing_ HR_GUARDED_BY(mutex_) = false;
  struct Kill {
    SteadyTime at{};
    SystemTime wall_at{};
  };
  std::optional<Kill> kill_ HR_GUARDED_BY(mutex_);
  bool has_ended_ HR_GUARDED_BY(mutex_) = false;
  Status outcome_ HR_GUARDED_BY(mutex_);  // Of the last look that was not broken off.

  bool was_failing_ = false;  // The thread's own, as the next.
  bool has_told_of_full_disk_ = false;
  std::thread thread_;
};

}  // namespace headrace::job
