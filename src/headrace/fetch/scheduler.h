// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "headrace/base/event_loops.h"
#include "headrace/base/mutex.h"
#include "headrace/fetch/consumer.h"
#include "headrace/fetch/fetch_metrics.h"
#include "headrace/fetch/hedge_policy.h"
#include "headrace/fetch/loop_packing.h"
#include "headrace/fetch/memory_budget.h"
#include "headrace/fetch/window.h"

namespace headrace::fetch {

struct Lane;
struct Hedge;

// One request that may start now: its share of window and memory is taken.
struct PartJob {
  std::shared_ptr<ReadState> read;
  // Reads of the same object that the request brings too; all of them and `read` are then whole.
  std::vector<std::shared_ptr<ReadState>> neighbours;
  ByteRange range;  // What is asked for.
  PartBytes bytes;
  uint64_t ended_before = 0;  // Requests that had ended when this one began.
};

struct SchedulerOptions {
  uint64_t part_size_bytes = 0;
  bool verify_checksums = true;
  WindowOptions window;
  HedgeOptions hedge;
};

// Decides what is requested next and keeps that many requests in flight: consumers in turn, each in
// the order of its reads or so many of them side by side as it asks for, as far as the window and
// the memory budget go. The requests themselves are made by lanes (lane.cc). See
// docs/decisions/0020.
//
// Threads: all methods may be called at once from any thread; consumers are called under no lock.
// Lifetime: store and loops outlive it; Shutdown is called before the last owner lets go.
class Scheduler final : public MemoryListener, public std::enable_shared_from_this<Scheduler> {
 public:
  Scheduler(ObjectStore& store, EventLoops& loops, const SchedulerOptions& options,
            std::shared_ptr<MemoryBudget> memory);
  ~Scheduler() override;

  // Queues a read behind those its consumer already waits for, or in front of them. One of no bytes
  // ends at once.
  enum class Place : uint8_t { kBehind, kInFront };
  void Add(std::shared_ptr<ReadState> read, Place place = Place::kBehind) HR_EXCLUDES(mutex_);
  // A read that still waits, or is yet to be added, comes to the front of its consumer's queue and
  // is paid for by `account`.
  void Promote(const std::shared_ptr<ReadState>& read, std::shared_ptr<MemoryAccount> account)
      HR_EXCLUDES(mutex_);
  // Takes back what the consumer still waits for; each such read ends with `reason`. What is in
  // flight is ended by the consumer's stop token and deadline.
  void Drop(Consumer& consumer, const Error& reason) HR_EXCLUDES(mutex_);
  // The same for those that have failed already.
  void DropFailed(Consumer& consumer) HR_EXCLUDES(mutex_);
  // Blocks until no request and no hedge is left; consumers have ended before. Not on a loop.
  void Shutdown() HR_EXCLUDES(mutex_);
  // How many reads the consumer may add to those that wait. 0: its OnRoom will be called.
  size_t RoomFor(Consumer& consumer) HR_EXCLUDES(mutex_);

  Executor AnyLoop() { return loops_.Next(); }

  void OnMemoryReturned() override { Kick(); }

  Metrics<FetchMetric>& metrics() { return metrics_; }
  MetricsSnapshot Snapshot() HR_EXCLUDES(mutex_);
  struct Gauges {
    uint32_t window = 0;
    uint32_t in_flight = 0;
  };
  Gauges gauges() const HR_EXCLUDES(mutex_);
  const std::shared_ptr<MemoryBudget>& memory() const { return memory_; }

 private:
  struct LoopLanes;  // The lanes of one loop, and the tick that looks for late ones.

  // What a lane's last request showed.
  struct Ended {
    PartObservation part;
    bool is_success = false;
    std::optional<std::chrono::nanoseconds> thread_time;  // Of its loop; where the part is large.
  };
  // The next job for a lane whose request has ended; nothing: the lane ends.
  std::optional<PartJob> Next(size_t loop_index, const Ended& ended) HR_EXCLUDES(mutex_);
  // Starts lanes for what may start now.
  void Kick() HR_EXCLUDES(mutex_);
  // What taking jobs leads to beside jobs, for when the lock is let go.
  struct Fallout {
    std::vector<std::shared_ptr<ReadState>> dropped;
    std::vector<std::shared_ptr<Consumer>> with_room;
    std::vector<std::shared_ptr<ReadState>> to_look_up;
    bool was_refused = false;   // There was no memory for somebody's next part.
    bool needs_memory = false;  // For somebody who waits and cannot help it.
  };
  void Settle(const Fallout& fallout) HR_EXCLUDES(mutex_);
  std::optional<PartJob> TakeJob(Fallout& fallout) HR_REQUIRES(mutex_);
  std::optional<PartJob> CutPart(Consumer& consumer, Fallout& fallout) HR_REQUIRES(mutex_);
  void StartLane(size_t loop_index, PartJob job);
  // Where a request for so many bytes runs: of the loops that carry such, one with fewest lanes. A
  // lane that goes on stays on its loop, if it is one of them, until that has half as many lanes
  // again and two more.
  size_t LoopFor(uint64_t size_bytes) const HR_REQUIRES(mutex_);
  size_t LoopFor(uint64_t size_bytes, size_t current) const HR_REQUIRES(mutex_);
  // A request beside the read's parts; counted and opened by CutPart.
  void LookUpChecksum(const std::shared_ptr<ReadState>& read);
  void EndLookUp() HR_EXCLUDES(mutex_);
  void EndTask() HR_EXCLUDES(mutex_);
  // Looks anew at what is waited for; `was_refused`: memory was.
  void NoteWaiting(SteadyTime now, bool was_refused) HR_REQUIRES(mutex_);

  static Task<void> RunLane(std::shared_ptr<Scheduler> self, size_t loop_index, PartJob job);
  static Task<void> Tick(std::weak_ptr<Scheduler> weak, size_t loop_index);
  static Task<void> RunHedge(std::shared_ptr<Scheduler> self, std::shared_ptr<Hedge> hedge);
  Task<Ended> FetchPart(Lane& lane, PartJob& job);
  // The answer of the request, or of its hedge; job.bytes are the winner's.
  Task<Result<GetResult>> RaceHedge(Lane& lane, PartJob& job);
  void CountPart(const PartObservation& part);
  void CountHedge(HedgeOutcome outcome);
  // Lets the window know how far away the store is, as soon as an answer of the first requests
  // tells.
  void NoteFirstAnswer(const LoopLanes& loop) HR_EXCLUDES(mutex_);
  void HedgeLateLanes(size_t loop_index) HR_EXCLUDES(mutex_);
  void StartHedge(Lane& lane, PartBytes bytes,
                  std::optional<std::chrono::nanoseconds> answer_timeout) HR_EXCLUDES(mutex_);

  ObjectStore& StoreOf(const PlannedRead& read) const {
    return read.store != nullptr ? *read.store : store_;
  }

  ObjectStore& store_;
  EventLoops& loops_;
  const SchedulerOptions options_;
  const std::shared_ptr<MemoryBudget> memory_;
  // A consumer whose parts wait for a late one has filled its own account with them.
  const std::shared_ptr<MemoryAccount> hedge_account_;

  mutable Mutex mutex_;
  CondVar ended_;
  // Consumers with waiting reads; the first is next.
  std::deque<std::shared_ptr<Consumer>> turns_ HR_GUARDED_BY(mutex_);
  WindowController window_ HR_GUARDED_BY(mutex_);
  HedgePolicy hedging_ HR_GUARDED_BY(mutex_);
  LoopPacking packing_ HR_GUARDED_BY(mutex_);
  uint32_t lane_count_ HR_GUARDED_BY(mutex_) = 0;
  uint64_t ended_count_ HR_GUARDED_BY(mutex_) = 0;  // Requests, in all.
  uint32_t look_up_count_ HR_GUARDED_BY(mutex_) = 0;
  bool awaits_look_up_ HR_GUARDED_BY(mutex_) = false;  // Somebody's first part, for one to end.
  std::vector<uint32_t> lanes_of_loop_ HR_GUARDED_BY(mutex_);
  // Lanes, hedges and look-ups that have not ended.
  size_t task_count_ HR_GUARDED_BY(mutex_) = 0;
  // What is waited for since when; nothing: there is nothing to do.
  std::optional<WaitingFor> waiting_for_ HR_GUARDED_BY(mutex_);
  SteadyTime waiting_since_ HR_GUARDED_BY(mutex_){};
  Metrics<FetchMetric> metrics_{kFetchMetrics};
  // Each belongs to its loop alone.
  std::vector<std::unique_ptr<LoopLanes>> loop_lanes_;
};

}  // namespace headrace::fetch
