// SPDX-License-Identifier: Apache-2.0
#include "headrace/job/checkpoint_agent.h"

#include <algorithm>
#include <utility>

#include "headrace/base/log.h"

namespace headrace::job {

using std::chrono::steady_clock;

CheckpointAgent::CheckpointAgent(CheckpointSync& sync, const CheckpointTiming& timing)
    : sync_(sync), timing_(timing), thread_([this] { Work(); }) {}

CheckpointAgent::~CheckpointAgent() {
  Stop();
  if (thread_.joinable()) thread_.join();
}

void CheckpointAgent::Hurry() {
  const MutexLock lock(mutex_);
  is_hurried_ = true;
  must_look_ = true;
  changed_.NotifyAll();
}

Status CheckpointAgent::Finish(const CallContext& context, bool was_killed) {
  const std::stop_callback stopping(context.stop, [this] {
    const MutexLock lock(mutex_);
    changed_.NotifyAll();
  });
  bool is_out_of_time = false;
  {
    const MutexLock lock(mutex_);
    is_finishing_ = true;
    if (was_killed) kill_ = Kill{.at = RealClock().Now(), .wall_at = RealClock().WallNow()};
    must_look_ = true;
    changed_.NotifyAll();
    while (!has_ended_ && !context.stop.stop_requested() && !is_out_of_time) {
      if (!context.deadline.at()) {
        changed_.Wait(mutex_);
      } else {
        is_out_of_time = !changed_.WaitUntil(mutex_, *context.deadline.at()) &&
                         context.deadline.HasPassed(steady_clock::now());
      }
    }
    is_out_of_time = is_out_of_time && !has_ended_;
  }
  Stop();
  thread_.join();
  Status outcome = Ok();
  {
    const MutexLock lock(mutex_);
    outcome = outcome_;
  }
  if (outcome) return outcome;
  const Status left = sync_.LookAtWhatIsLeft();
  if (left && sync_.report().pending.empty()) return Ok();
  if (!is_out_of_time) return Fail(ErrorCode::kCancelled, outcome.error().message());
  if (outcome.error().code() == ErrorCode::kCancelled) {
    return Fail(ErrorCode::kTimedOut, "the time for uploading checkpoints is over");
  }
  return Fail(ErrorCode::kTimedOut, outcome.error().message());
}

void CheckpointAgent::Stop() {
  stop_.request_stop();
  const MutexLock lock(mutex_);
  changed_.NotifyAll();
}

bool CheckpointAgent::AwaitNextLook() {
  const MutexLock lock(mutex_);
  const bool is_quick = is_hurried_ || is_finishing_;
  const auto until = steady_clock::now() + (is_quick ? timing_.hurried_interval : timing_.interval);
  while (!stop_.stop_requested() && !must_look_) {
    if (!changed_.WaitUntil(mutex_, until) && steady_clock::now() >= until) break;
  }
  must_look_ = false;
  return !stop_.stop_requested();
}

void CheckpointAgent::Work() {
  const CallContext call{.deadline = {}, .stop = stop_.get_token()};
  bool is_done = false;
  while (!is_done && AwaitNextLook()) {
    bool is_last = false;
    {
      const MutexLock lock(mutex_);
      is_last = is_finishing_;
    }
    Status looked = LookOnce(is_last, call);
    Tell(looked);
    is_done = is_last && looked.has_value();
    Keep(std::move(looked));
  }
  const MutexLock lock(mutex_);
  // Stopped before its first look at the end: what is left is not known to be uploaded.
  if (!is_done && outcome_) outcome_ = Fail(ErrorCode::kCancelled, "checkpoints were not uploaded");
  has_ended_ = true;
  changed_.NotifyAll();
}

Status CheckpointAgent::LookOnce(bool is_last, const CallContext& call) {
  const std::chrono::milliseconds rest = std::min(timing_.rest, timing_.interval);
  if (!is_last) return sync_.Look(call, {.now = steady_clock::now(), .rest = rest});
  std::optional<Kill> kill;
  {
    const MutexLock lock(mutex_);
    kill = kill_;
  }
  // What lies still since the kill says nothing.
  if (kill) HR_TRY(sync_.WriterWasKilled({.now = kill->at, .rest = rest}, kill->wall_at - rest));
  return sync_.LookAtEnd(call);
}

void CheckpointAgent::Keep(Status looked) {
  const MutexLock lock(mutex_);
  const bool was_broken_off = !looked && looked.error().code() == ErrorCode::kCancelled;
  // What failed before says more.
  if (!was_broken_off || outcome_) outcome_ = std::move(looked);
}

void CheckpointAgent::Tell(const Status& looked) {
  if (sync_.report().is_disk_full && !std::exchange(has_told_of_full_disk_, true)) {
    Log(LogLevel::kWarning,
        "the disk of {} is full: checkpoints written from now on may be cut short; free some space",
        sync_.place().folder);
  }
  if (!looked && looked.error().code() == ErrorCode::kCancelled) return;
  if (!looked && !was_failing_) {
    Log(LogLevel::kWarning, "checkpoints are not uploaded for now: {}", looked.error().message());
  } else if (looked && was_failing_) {
    Log(LogLevel::kWarning, "checkpoints are uploaded again");
  }
  was_failing_ = !looked;
}

}  // namespace headrace::job
