// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/run.h"

#include <atomic>
#include <functional>
#include <stop_token>
#include <utility>

#include "headrace/fetch/scheduler.h"

namespace headrace::fetch {
namespace {

// Counts a run's unfinished reads, so that its end can be waited for.
class RunConsumer final : public Consumer {
 public:
  RunConsumer(Scheduler& scheduler, const CallContext& context, PartSink& sink)
      : Consumer(context, sink.reads_side_by_side()),
        scheduler_(scheduler),
        sink_(sink),
        on_stop_(context.stop, [this] { Wake(); }) {}

  void OnPart(const ReadState& read, uint64_t offset, PartBytes bytes) override {
    sink_.OnPart({.read_index = read.number, .offset = offset, .bytes = std::move(bytes)});
  }
  void OnReadEnd(const ReadState& read, Status status) override HR_EXCLUDES(mutex_) {
    if (!status) scheduler_.metrics().counter(FetchMetric::kFailedReads).Add();
    sink_.OnReadEnd(read.number, std::move(status));
    EndRead();
  }
  bool ReadAgain(const std::shared_ptr<ReadState>& read) override {
    if (!sink_.MayGiveAgain(read->number)) return false;
    scheduler_.metrics().counter(FetchMetric::kRepeatedReads).Add();
    read->StartOver();
    scheduler_.Add(read, Scheduler::Place::kInFront);
    return true;
  }
  void OnRoom() override HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    has_room_ = true;
    changed_.NotifyAll();
  }

  // Before each read that is added.
  void BeginRead() { unfinished_.fetch_add(1, std::memory_order_relaxed); }
  // Until the scheduler wants one more; cancelled or late is told by the caller's own look.
  void WaitForRoom() HR_EXCLUDES(mutex_) {
    while (room_ == 0 && !IsOver()) {
      {
        const MutexLock lock(mutex_);
        has_room_ = false;
      }
      room_ = scheduler_.RoomFor(*this);
      if (room_ > 0) break;
      const MutexLock lock(mutex_);
      while (!has_room_ && !IsOver()) WaitOnce();
    }
    if (room_ > 0) --room_;
  }
  // No read will be added. False: the run was cancelled or late before the last one ended.
  bool WaitForAll() HR_EXCLUDES(mutex_) {
    EndRead();
    const MutexLock lock(mutex_);
    while (!is_finished_ && !IsOver()) WaitOnce();
    return is_finished_;
  }
  void WaitForDropped() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (!is_finished_) changed_.Wait(mutex_);
  }

  // Why nothing more shall be begun; nothing: go on.
  std::optional<Error> ReasonToEnd() const {
    if (context().stop.stop_requested()) return Error(ErrorCode::kCancelled, "reading cancelled");
    if (context().deadline.HasPassed(std::chrono::steady_clock::now())) {
      return Error(ErrorCode::kTimedOut, "reading did not end before its deadline");
    }
    return std::nullopt;
  }

 private:
  bool IsOver() const { return ReasonToEnd().has_value(); }
  void WaitOnce() HR_REQUIRES(mutex_) {
    if (const auto at = context().deadline.at()) {
      changed_.WaitUntil(mutex_, *at);
    } else {
      changed_.Wait(mutex_);
    }
  }
  void EndRead() HR_EXCLUDES(mutex_) {
    if (unfinished_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    const MutexLock lock(mutex_);
    is_finished_ = true;
    changed_.NotifyAll();
  }
  void Wake() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    changed_.NotifyAll();
  }

  Scheduler& scheduler_;
  PartSink& sink_;
  Mutex mutex_;
  CondVar changed_;
  size_t room_ = 0;  // Of the thread that runs.
  // Reads, and one for those that are still to be added.
  std::atomic<size_t> unfinished_ = 1;
  bool is_finished_ HR_GUARDED_BY(mutex_) = false;
  bool has_room_ HR_GUARDED_BY(mutex_) = false;
  std::stop_callback<std::function<void()>> on_stop_;  // Last: wakes what stands above.
};

}  // namespace

Status RunPlan(Scheduler& scheduler, std::shared_ptr<MemoryAccount> account, ReadSource source,
               PartSink& sink, const CallContext& context) {
  const auto run = std::make_shared<RunConsumer>(scheduler, context, sink);
  std::optional<Error> failure;
  for (size_t read_index = 0;; ++read_index) {
    run->WaitForRoom();
    failure = run->ReasonToEnd();
    if (failure) break;
    auto planned = source();
    if (!planned) {
      failure = std::move(planned).error();
      break;
    }
    if (!*planned) break;
    run->BeginRead();
    scheduler.Add(std::make_shared<ReadState>(std::move(**planned), read_index, run, account));
  }
  if (!run->WaitForAll()) {
    if (!failure) failure = run->ReasonToEnd();
    scheduler.Drop(*run, Error(failure->code(), "not begun before the run ended"));
    run->WaitForDropped();
  }
  if (failure) return std::unexpected(std::move(*failure));
  return Ok();
}

}  // namespace headrace::fetch
