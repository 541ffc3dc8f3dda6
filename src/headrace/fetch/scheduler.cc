// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/scheduler.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "headrace/fetch/lane.h"
#include "headrace/fetch/part_size.h"

namespace headrace::fetch {
namespace {

// A consumer fills its queue up to the one and is told when only the other is left. Between them
// lies what it adds in one go: with one number for both, every read that starts wakes its thread.
constexpr size_t kQueuedMax = 2048;
constexpr size_t kRoomCount = 1024;
// Lanes that one ended request may start beside its own next one: doubles the lanes in a round,
// and spreads the work of starting them.
constexpr size_t kLanesStartedMax = 2;

// The head of an object whose whole checksum is compared.
struct HeadJob {
  HeadRequest request;
};

Task<Result<ObjectHead>> FetchHead(ObjectStore& store, const HeadJob& job,
                                   const CallContext& context) {
  co_return co_await store.Head(job.request, context);
}

// Bytes between two reads that are rather thrown away than spared by a second request: what a
// processor receives in the time that a request costs it.
constexpr uint64_t kGapBytesMax = 64 * 1024;

bool MayHaveNeighbours(const ReadState& read) {
  return !read.is_split() && !read.is_urgent && !read.planned.is_whole_object();
}

// How many of the reads behind the first, which covers `range`, are so near behind one another in
// the same object that one request of at most `size_bytes_max` shall bring them; `range` grows.
size_t CountNeighbours(const std::deque<std::shared_ptr<ReadState>>& waiting,
                       uint64_t size_bytes_max, ByteRange& range) {
  const ReadState& first = *waiting.front();
  if (!MayHaveNeighbours(first)) return 0;
  size_t count = 0;
  for (size_t index = 1; index < waiting.size(); ++index, ++count) {
    const ReadState& next = *waiting[index];
    const ByteRange there = next.planned.range;
    const bool is_near = there.begin >= range.end && there.begin - range.end <= kGapBytesMax &&
                         there.end - range.begin <= size_bytes_max;
    const bool is_same_object = is_near && next.planned.key == first.planned.key &&
                                next.planned.bucket == first.planned.bucket &&
                                next.planned.etag == first.planned.etag;
    if (!is_same_object || next.account != first.account || !MayHaveNeighbours(next)) break;
    range.end = there.end;
  }
  return count;
}

// Why a read that waits will never start; nothing: it may.
std::optional<Error> ReasonToDrop(const ReadState& read, SteadyTime now) {
  const CallContext& context = read.consumer->context();
  if (context.stop.stop_requested()) {
    return Error(ErrorCode::kCancelled, read.Name() + ": cancelled");
  }
  if (context.deadline.HasPassed(now)) {
    return Error(ErrorCode::kTimedOut, read.Name() + ": its deadline passed before it was begun");
  }
  return std::nullopt;
}

}  // namespace

Scheduler::Scheduler(ObjectStore& store, EventLoops& loops, const SchedulerOptions& options,
                     std::shared_ptr<MemoryBudget> memory)
    : store_(store),
      loops_(loops),
      options_(options),
      memory_(std::move(memory)),
      hedge_account_(memory_->OpenAccount(std::numeric_limits<uint64_t>::max())),
      window_(options.window),
      hedging_(options.hedge),
      packing_(loops.count(), store.is_over_tls() ? loops.count() : 1),
      lanes_of_loop_(loops.count()) {
  for (size_t index = 0; index < loops.count(); ++index) {
    loop_lanes_.push_back(std::make_unique<LoopLanes>());
  }
}

Scheduler::~Scheduler() = default;

void Scheduler::Add(std::shared_ptr<ReadState> read, Place place) {
  const PlannedRead& planned = read->planned;
  if (planned.range.empty()) return read->Close();
  read->part_size_bytes =
      PartSizeFor(planned.etag, planned.object_size_bytes, options_.part_size_bytes);
  const bool compares = options_.verify_checksums && planned.is_whole_object() && read->is_split();
  if (compares) read->ExpectChecksum();
  bool has_room = false;
  {
    const MutexLock lock(mutex_);
    read->awaits_look_up = compares;
    const std::shared_ptr<Consumer> consumer = read->consumer;
    read->is_urgent |= place == Place::kInFront;
    if (read->is_urgent) {
      consumer->waiting_.push_front(std::move(read));
    } else {
      consumer->waiting_.push_back(std::move(read));
    }
    if (!std::exchange(consumer->is_listed_, true)) turns_.push_back(consumer);
    has_room = lane_count_ < window_.requests();
  }
  if (has_room) Kick();
}

void Scheduler::Promote(const std::shared_ptr<ReadState>& read,
                        std::shared_ptr<MemoryAccount> account) {
  {
    const MutexLock lock(mutex_);
    read->account = std::move(account);
    read->is_urgent = true;
    auto& waiting = read->consumer->waiting_;
    const auto found = std::ranges::find(waiting, read);
    if (found == waiting.end()) return;
    std::rotate(waiting.begin(), found, found + 1);
  }
  Kick();
}

void Scheduler::LookUpChecksum(const std::shared_ptr<ReadState>& read) {
  auto job = std::make_unique<HeadJob>();
  job->request = {.bucket = read->planned.bucket, .key = read->planned.key, .conditions = {}};
  job->request.conditions.if_match = read->planned.etag;
  const HeadJob& borrowed = *job;
  auto done = [self = shared_from_this(), read,
               job = std::move(job)](const Result<ObjectHead>& head) {
    if (!head) {
      read->Fail(head.error());
    } else if (read->planned.etag.empty() && !read->IsSameVersion(head->info)) {
      read->Fail(read->OtherVersion());
    } else {
      read->SetExpected(head->checksum);
    }
    read->Close();
    self->EndLookUp();
  };
  Spawn(loops_.Next(), FetchHead(StoreOf(read->planned), borrowed, read->consumer->context()),
        std::move(done));
}

void Scheduler::EndLookUp() {
  bool is_waited_for = false;
  {
    const MutexLock lock(mutex_);
    --look_up_count_;
    is_waited_for = std::exchange(awaits_look_up_, false);
  }
  if (is_waited_for) Kick();
  EndTask();
}

void Scheduler::Drop(Consumer& consumer, const Error& reason) {
  std::deque<std::shared_ptr<ReadState>> dropped;
  {
    const MutexLock lock(mutex_);
    dropped.swap(consumer.waiting_);
    std::erase_if(turns_, [&](const auto& listed) { return listed.get() == &consumer; });
    consumer.is_listed_ = false;
  }
  for (const auto& read : dropped) {
    read->Fail(Error(reason.code(), read->Name() + ": " + reason.message()));
    read->Close();
  }
}

void Scheduler::DropFailed(Consumer& consumer) {
  std::vector<std::shared_ptr<ReadState>> dropped;
  {
    const MutexLock lock(mutex_);
    std::erase_if(consumer.waiting_, [&](std::shared_ptr<ReadState>& read) {
      if (!read->has_failed()) return false;
      dropped.push_back(std::move(read));
      return true;
    });
  }
  for (const auto& read : dropped) read->Close();
}

size_t Scheduler::RoomFor(Consumer& consumer) {
  const MutexLock lock(mutex_);
  const size_t waiting = consumer.waiting_.size();
  consumer.wants_room_ = waiting >= kQueuedMax;
  return kQueuedMax - std::min(waiting, kQueuedMax);
}

void Scheduler::Settle(const Fallout& fallout) {
  for (const auto& read : fallout.dropped) read->Close();
  for (const auto& read : fallout.to_look_up) LookUpChecksum(read);
  for (const auto& consumer : fallout.with_room) consumer->OnRoom();
  if (fallout.needs_memory) memory_->Reclaim();
}

std::optional<PartJob> Scheduler::CutPart(Consumer& consumer, Fallout& fallout) {
  const SteadyTime now = std::chrono::steady_clock::now();
  while (!consumer.waiting_.empty()) {
    std::shared_ptr<ReadState>& front = consumer.waiting_.front();
    if (auto reason = ReasonToDrop(*front, now)) front->Fail(std::move(*reason));
    if (front->has_failed()) {
      fallout.dropped.push_back(std::move(front));
      consumer.waiting_.pop_front();
      continue;
    }
    // As many look-ups in flight as there may be requests.
    if (front->awaits_look_up && look_up_count_ >= window_.requests()) {
      awaits_look_up_ = true;
      return std::nullopt;
    }
    const ByteRange whole = front->planned.range;
    // Cut at multiples of the part size in the object, not in the range.
    const uint64_t next_cut =
        (front->next_begin / front->part_size_bytes + 1) * front->part_size_bytes;
    const ByteRange own{.begin = front->next_begin,
                        .end = front->is_split() ? std::min(whole.end, next_cut) : whole.end};
    ByteRange range = own;
    size_t neighbours = CountNeighbours(consumer.waiting_, options_.part_size_bytes, range);
    auto bytes = memory_->TryTake(front->account, range.size_bytes());
    if (!bytes && neighbours > 0) {
      neighbours = 0;
      range = own;
      bytes = memory_->TryTake(front->account, range.size_bytes());
    }
    if (!bytes) {
      fallout.was_refused = true;
      // One that holds nothing waits for nothing of its own: only others can let go.
      fallout.needs_memory |= front->is_urgent || front->account->MustMoveOn();
      return std::nullopt;
    }
    if (std::exchange(front->awaits_look_up, false)) {
      front->Open();
      ++task_count_;
      ++look_up_count_;
      fallout.to_look_up.push_back(front);
    }
    front->next_begin = own.end;
    PartJob job{.read = front, .neighbours = {}, .range = range, .bytes = std::move(*bytes)};
    if (own.end == whole.end) {
      // The scheduler's own share of the read becomes the last part's.
      consumer.waiting_.pop_front();
      for (; neighbours > 0; --neighbours) {
        job.neighbours.push_back(std::move(consumer.waiting_.front()));
        consumer.waiting_.pop_front();
      }
    } else {
      front->Open();
      // Its next part's turn comes after one of each read beside it.
      const size_t beside = std::min(consumer.reads_side_by_side_, consumer.waiting_.size());
      std::rotate(consumer.waiting_.begin(), consumer.waiting_.begin() + 1,
                  consumer.waiting_.begin() + static_cast<std::ptrdiff_t>(beside));
    }
    return job;
  }
  return std::nullopt;
}

std::optional<PartJob> Scheduler::TakeJob(Fallout& fallout) {
  for (size_t turns = turns_.size(); turns > 0; --turns) {
    const std::shared_ptr<Consumer> consumer = std::move(turns_.front());
    turns_.pop_front();
    auto job = CutPart(*consumer, fallout);
    if (consumer->waiting_.empty()) {
      consumer->is_listed_ = false;
    } else {
      turns_.push_back(consumer);
    }
    if (consumer->wants_room_ && consumer->waiting_.size() <= kRoomCount) {
      consumer->wants_room_ = false;
      fallout.with_room.push_back(consumer);
    }
    if (!job) continue;
    ++task_count_;
    ++lane_count_;
    hedging_.OnRequest();
    window_.OnPartBegin(job->range.size_bytes());
    job->ended_before = ended_count_;
    return job;
  }
  return std::nullopt;
}

size_t Scheduler::LoopFor(uint64_t size_bytes) const {
  const size_t count = size_bytes < kLargePartBytes ? lanes_of_loop_.size() : packing_.count();
  const auto begin = lanes_of_loop_.begin();
  return static_cast<size_t>(std::min_element(begin, begin + static_cast<std::ptrdiff_t>(count)) -
                             begin);
}

size_t Scheduler::LoopFor(uint64_t size_bytes, size_t current) const {
  const size_t best = LoopFor(size_bytes);
  const bool is_among = current < packing_.count() || size_bytes < kLargePartBytes;
  const uint32_t most = lanes_of_loop_[best] + lanes_of_loop_[best] / 2 + 1;
  return is_among && lanes_of_loop_[current] <= most ? current : best;
}

void Scheduler::Kick() {
  while (true) {
    std::optional<PartJob> job;
    size_t loop_index = 0;
    Fallout fallout;
    {
      const MutexLock lock(mutex_);
      if (lane_count_ < window_.requests()) job = TakeJob(fallout);
      NoteWaiting(std::chrono::steady_clock::now(), fallout.was_refused);
      if (job) {
        loop_index = LoopFor(job->range.size_bytes());
        ++lanes_of_loop_[loop_index];
      }
    }
    Settle(fallout);
    if (!job) return;
    StartLane(loop_index, std::move(*job));
  }
}

void Scheduler::StartLane(size_t loop_index, PartJob job) {
  SpawnDetached(loops_.At(loop_index), RunLane(shared_from_this(), loop_index, std::move(job)));
}

std::optional<PartJob> Scheduler::Next(size_t loop_index, const Ended& ended) {
  std::optional<PartJob> own;
  std::vector<std::pair<size_t, PartJob>> more;
  Fallout fallout;
  {
    const MutexLock lock(mutex_);
    if (ended.is_success) {
      window_.OnPartEnd(ended.part, lane_count_ >= window_.requests() && !turns_.empty());
      hedging_.OnPartEnd(ended.part.first_byte, ended.part.total, ended.part.size_bytes);
      if (ended.thread_time) {
        packing_.OnPartEnd(loop_index, lanes_of_loop_[loop_index], ended.part.ended_at,
                           *ended.thread_time);
      }
    }
    --lane_count_;
    ++ended_count_;
    if (lane_count_ < window_.requests()) own = TakeJob(fallout);
    if (own) {
      while (more.size() < kLanesStartedMax && lane_count_ < window_.requests()) {
        auto job = TakeJob(fallout);
        if (!job) break;
        const size_t its_loop = LoopFor(job->range.size_bytes());
        ++lanes_of_loop_[its_loop];
        more.emplace_back(its_loop, std::move(*job));
      }
    }
    const size_t next_loop = own ? LoopFor(own->range.size_bytes(), loop_index) : loop_index;
    if (next_loop != loop_index) {
      ++lanes_of_loop_[next_loop];
      more.emplace_back(next_loop, *std::exchange(own, std::nullopt));
    }
    if (!own) --lanes_of_loop_[loop_index];
    NoteWaiting(ended.part.ended_at, fallout.was_refused);
    // The job that follows counts for itself.
    if (--task_count_ == 0) ended_.NotifyAll();
  }
  Settle(fallout);
  for (auto& [index, job] : more) StartLane(index, std::move(job));
  return own;
}

void Scheduler::EndTask() {
  // Notified under the lock: the waiter may destroy the scheduler as soon as it sees zero.
  const MutexLock lock(mutex_);
  if (--task_count_ == 0) ended_.NotifyAll();
}

void Scheduler::Shutdown() {
  const MutexLock lock(mutex_);
  while (task_count_ > 0) ended_.Wait(mutex_);
}

void Scheduler::NoteWaiting(SteadyTime now, bool was_refused) {
  std::optional<WaitingFor> next;
  if (lane_count_ >= window_.requests() || awaits_look_up_) {
    next = WaitingFor::kNetwork;
  } else if (was_refused) {
    next = WaitingFor::kConsumer;
  } else if (lane_count_ > 0) {
    next = WaitingFor::kSource;
  }
  if (next == waiting_for_) return;
  if (waiting_for_) {
    const auto span = std::chrono::duration_cast<std::chrono::microseconds>(now - waiting_since_);
    metrics_.counter(FetchMetric::kWaitSeconds, static_cast<size_t>(*waiting_for_))
        .Add(static_cast<uint64_t>(std::max<int64_t>(0, span.count())));
  }
  waiting_for_ = next;
  waiting_since_ = now;
}

MetricsSnapshot Scheduler::Snapshot() {
  {
    const MutexLock lock(mutex_);
    metrics_.gauge(FetchMetric::kWindow).Set(window_.requests());
    metrics_.gauge(FetchMetric::kInFlight).Set(lane_count_);
    metrics_.gauge(FetchMetric::kLargePartLoops).Set(static_cast<int64_t>(packing_.count()));
  }
  metrics_.gauge(FetchMetric::kMemoryBytes).Set(static_cast<int64_t>(memory_->taken_bytes()));
  metrics_.gauge(FetchMetric::kBufferBytes).Set(static_cast<int64_t>(memory_->buffer_bytes()));
  return metrics_.Snapshot();
}

Scheduler::Gauges Scheduler::gauges() const {
  const MutexLock lock(mutex_);
  return {.window = window_.requests(), .in_flight = lane_count_};
}

}  // namespace headrace::fetch
