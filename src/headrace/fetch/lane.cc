// SPDX-License-Identifier: Apache-2.0
// What the scheduler does on event loops: requests, one after the other in each lane, and hedges.
#include "headrace/fetch/lane.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "headrace/base/crc.h"
#include "headrace/fetch/part_size.h"

namespace headrace::fetch {
namespace {

// How late a late request may be noticed. A look at a thousand lanes takes microseconds.
constexpr std::chrono::milliseconds kTick{4};
// A hedge ends with its stop token; this only bounds a wait that nothing else does.
constexpr std::chrono::hours kHedgeWait{24};

bool IsWholeObject(const PartJob& job) {
  return job.read->planned.is_whole_object() && job.range == job.read->planned.range;
}

GetRequest RequestFor(const PartJob& job, ByteTarget target) {
  const PlannedRead& planned = job.read->planned;
  GetRequest request;
  request.bucket = planned.bucket;
  request.key = planned.key;
  request.conditions.if_match = planned.etag;
  request.target = target;
  // A plain GET of the whole object lets the store verify its checksum by itself.
  if (!IsWholeObject(job)) request.range = job.range;
  request.needs_fresh_connection = job.read->is_second_time();
  return request;
}

// What is wrong with an answer that the store found good.
Status CheckPart(const PartJob& job, const GetResult& got) {
  if (got.size_bytes != job.range.size_bytes()) {
    return Fail(ErrorCode::kPreconditionFailed,
                fmt::format("{}: {} bytes came where {} were listed; the object was replaced, "
                            "list it again",
                            job.read->Name(), got.size_bytes, job.range.size_bytes()));
  }
  // One that was planned is the store's to compare.
  if (job.read->planned.etag.empty() && !job.read->IsSameVersion(got.head.info)) {
    return std::unexpected(job.read->OtherVersion());
  }
  return Ok();
}

// While the bytes are still in the processor's last cache.
void SumPart(const PartJob& job) {
  const ReadState::Sums wanted = job.read->WantedSums();
  if (!wanted.crc32c && !wanted.crc64_nvme && !wanted.crc32) return;
  PartSum sum{.offset = job.range.begin, .size_bytes = job.range.size_bytes()};
  if (wanted.crc32c) sum.crc32c = Crc32c(job.bytes.span());
  if (wanted.crc64_nvme) sum.crc64_nvme = Crc64Nvme(job.bytes.span());
  if (wanted.crc32) sum.crc32 = Crc32(job.bytes.span());
  job.read->AddSum(sum);
}

// Gives each read its bytes; says how many there were.
uint64_t Deliver(PartJob& job, const GetResult& got) {
  if (job.neighbours.empty()) {
    job.read->consumer->OnPart(*job.read, job.range.begin, std::move(job.bytes));
    return job.range.size_bytes();
  }
  const auto whole = std::make_shared<const PartBytes>(std::move(job.bytes));
  uint64_t size_bytes = 0;
  const auto deliver = [&](ReadState& read) {
    const ByteRange range = read.planned.range;
    size_bytes += range.size_bytes();
    read.consumer->OnPart(
        read, range.begin,
        PartBytes::SliceOf(whole, range.begin - job.range.begin, range.size_bytes()));
  };
  deliver(*job.read);
  for (const auto& read : job.neighbours) {
    // The version of its only part.
    (void)read->IsSameVersion(got.head.info);
    deliver(*read);
  }
  return size_bytes;
}

}  // namespace

UnwantedStop::UnwantedStop(const PartJob& job, std::stop_source stop)
    : wanted_count_(1 + job.neighbours.size()), stop_(std::move(stop)) {
  TieTo(*job.read);
  for (const auto& neighbour : job.neighbours) TieTo(*neighbour);
}

void UnwantedStop::TieTo(const ReadState& read) {
  const std::stop_token given_up = read.given_up();
  if (!given_up.stop_possible()) return;
  ties_.emplace_back(given_up, [this] {
    if (wanted_count_.fetch_sub(1) == 1) stop_.request_stop();
  });
}

void Lane::TieTo(const std::shared_ptr<Consumer>& next) {
  const bool is_spent = stop.stop_requested();
  if (consumer == next && !is_spent) return;
  tie.reset();
  if (is_spent) stop = std::stop_source();
  consumer = next;
  const std::stop_token& outer = consumer->context().stop;
  if (outer.stop_possible()) {
    tie.emplace(outer, [own = stop]() mutable { own.request_stop(); });
  }
}

Task<Result<GetResult>> Scheduler::RaceHedge(Lane& lane, PartJob& job) {
  GetRequest request = RequestFor(job, job.bytes.target());
  request.progress = &lane.progress;
  lane.TieTo(job.read->consumer);
  lane.job = &job;
  lane.progress = {};
  lane.was_hedged = false;
  lane.begun_at = std::chrono::steady_clock::now();
  metrics_.counter(FetchMetric::kRequests).Add();
  const UnwantedStop unwanted(job, lane.stop);
  const CallContext context{.deadline = lane.consumer->context().deadline,
                            .stop = lane.stop.get_token()};
  Result<GetResult> got = co_await StoreOf(job.read->planned).Get(request, context);
  lane.job = nullptr;
  const std::shared_ptr<Hedge> hedge = std::exchange(lane.hedge, nullptr);
  if (!hedge) co_return got;
  hedge->lane = nullptr;
  const bool is_needed = !got && !unwanted.has_stopped();
  if (is_needed && !hedge->outcome) {
    hedge->is_awaited = true;
    co_await hedge->ended.Wait(kHedgeWait, hedge->context.stop);
    hedge->is_awaited = false;
  }
  const bool has_won = is_needed && hedge->outcome && *hedge->outcome;
  if (has_won) {
    got = std::move(*hedge->outcome);
    std::swap(job.bytes, hedge->bytes);
  }
  // One that still runs drops its bytes itself, before it lets the read end.
  hedge->stop.request_stop();
  if (hedge->outcome) hedge->bytes = PartBytes();
  CountHedge(has_won ? HedgeOutcome::kWon : HedgeOutcome::kLost);
  co_return got;
}

Task<Scheduler::Ended> Scheduler::FetchPart(Lane& lane, PartJob& job) {
  Result<GetResult> got = co_await RaceHedge(lane, job);
  const SteadyTime now = std::chrono::steady_clock::now();
  const std::chrono::nanoseconds total = now - lane.begun_at;
  // A store that does not tell, and a hedge that won: all of it came at once.
  const SteadyTime first_byte_at = lane.progress.first_byte_at;
  const std::chrono::nanoseconds first_byte =
      first_byte_at > lane.begun_at ? first_byte_at - lane.begun_at : total;
  Ended ended{.part = {.ended_at = now,
                       .first_byte = first_byte,
                       .total = total,
                       .size_bytes = job.range.size_bytes()}};
  Status outcome = Ok();
  if (got) {
    outcome = CheckPart(job, *got);
  } else {
    outcome = std::unexpected(std::move(got).error());
  }
  ReadState& read = *job.read;
  if (outcome) {
    ended.is_success = true;
    if (ended.part.size_bytes >= kLargePartBytes) ended.thread_time = ThreadTime();
    CountPart(ended.part);
    SumPart(job);
    metrics_.counter(FetchMetric::kBytes).Add(Deliver(job, *got));
  } else {
    for (const auto& neighbour : job.neighbours) neighbour->Fail(outcome.error());
    read.Fail(std::move(outcome).error());
  }
  job.bytes = PartBytes();
  read.Close();
  job.read.reset();
  for (const auto& neighbour : job.neighbours) neighbour->Close();
  job.neighbours.clear();
  co_return ended;
}

void Scheduler::CountPart(const PartObservation& part) {
  const auto microseconds = [](std::chrono::nanoseconds span) {
    return static_cast<uint64_t>(span.count()) / 1000;
  };
  metrics_.histogram(FetchMetric::kFirstByteSeconds).Record(microseconds(part.first_byte));
  metrics_.histogram(FetchMetric::kPartSeconds).Record(microseconds(part.total));
}

void Scheduler::CountHedge(HedgeOutcome outcome) {
  metrics_.counter(FetchMetric::kHedges, static_cast<size_t>(outcome)).Add();
}

Task<void> Scheduler::RunLane(std::shared_ptr<Scheduler> self, size_t loop_index, PartJob job) {
  LoopLanes& loop = *self->loop_lanes_[loop_index];
  Lane lane{.loop_index = loop_index};
  loop.active.push_back(&lane);
  if (!loop.is_ticking) {
    loop.is_ticking = true;
    const std::weak_ptr<Scheduler> weak = self;
    SpawnDetached(self->loops_.At(loop_index), Tick(weak, loop_index));
  }
  while (true) {
    const Ended ended = co_await self->FetchPart(lane, job);
    auto next = self->Next(loop_index, ended);
    if (!next) break;
    job = std::move(*next);
  }
  std::erase(loop.active, &lane);
}

Task<void> Scheduler::Tick(std::weak_ptr<Scheduler> weak, size_t loop_index) {
  while (true) {
    co_await Sleep(kTick);
    const std::shared_ptr<Scheduler> self = weak.lock();
    if (!self) co_return;
    LoopLanes& loop = *self->loop_lanes_[loop_index];
    self->NoteFirstAnswer(loop);
    self->HedgeLateLanes(loop_index);
    if (loop.active.empty()) {
      loop.is_ticking = false;
      co_return;
    }
  }
}

void Scheduler::NoteFirstAnswer(const LoopLanes& loop) {
  {
    const MutexLock lock(mutex_);
    if (!window_.wants_first_answer()) return;
    std::optional<std::chrono::nanoseconds> soonest;
    for (const Lane* lane : loop.active) {
      if (lane->progress.first_byte_at <= lane->begun_at) continue;
      const std::chrono::nanoseconds span = lane->progress.first_byte_at - lane->begun_at;
      soonest = std::min(soonest.value_or(span), span);
    }
    if (!soonest) return;
    window_.OnFirstAnswer(*soonest);
  }
  Kick();
}

void Scheduler::HedgeLateLanes(size_t loop_index) {
  const SteadyTime now = std::chrono::steady_clock::now();
  // With memory for their hedges.
  std::vector<std::pair<Lane*, PartBytes>> late;
  std::optional<std::chrono::nanoseconds> answer_timeout;
  {
    const MutexLock lock(mutex_);
    const HedgePolicy::Limits limits = hedging_.CurrentLimits();
    answer_timeout = limits.HedgeAnswerTimeout();
    for (Lane* lane : loop_lanes_[loop_index]->active) {
      if (lane->job == nullptr || lane->was_hedged) continue;
      const HedgePolicy::Flight flight{.elapsed = now - lane->begun_at,
                                       .size_bytes = lane->job->range.size_bytes(),
                                       .is_answered = lane->progress.first_byte_at != SteadyTime(),
                                       .ended_since = ended_count_ - lane->job->ended_before,
                                       .others_in_flight = lane_count_ - 1};
      if (!hedging_.MayHedge(limits.LatenessOf(flight))) continue;
      auto bytes = memory_->TryTake(hedge_account_, lane->job->range.size_bytes());
      if (!bytes) continue;
      hedging_.OnHedge();
      lane->was_hedged = true;
      late.emplace_back(lane, std::move(*bytes));
    }
  }
  for (auto& [lane, bytes] : late) StartHedge(*lane, std::move(bytes), answer_timeout);
}

void Scheduler::StartHedge(Lane& lane, PartBytes bytes,
                           std::optional<std::chrono::nanoseconds> answer_timeout) {
  auto hedge = std::make_shared<Hedge>();
  hedge->lane = &lane;
  hedge->bytes = std::move(bytes);
  hedge->request = RequestFor(*lane.job, hedge->bytes.target());
  hedge->request.answer_timeout = answer_timeout;
  hedge->context = {.deadline = lane.consumer->context().deadline, .stop = hedge->stop.get_token()};
  hedge->read = lane.job->read;
  hedge->read->Open();
  lane.hedge = hedge;
  {
    const MutexLock lock(mutex_);
    ++task_count_;
  }
  CountHedge(HedgeOutcome::kStarted);
  // Already on the loop of the lane: both requests and their bookkeeping stay there.
  SpawnDetached(loops_.At(lane.loop_index), RunHedge(shared_from_this(), std::move(hedge)));
}

Task<void> Scheduler::RunHedge(std::shared_ptr<Scheduler> self, std::shared_ptr<Hedge> hedge) {
  {
    const std::stop_callback<std::function<void()>> tie(
        hedge->read->consumer->context().stop,
        [own = hedge->stop]() mutable { own.request_stop(); });
    ObjectStore& store = self->StoreOf(hedge->read->planned);
    hedge->outcome = co_await store.Get(hedge->request, hedge->context);
  }
  if (hedge->lane != nullptr && *hedge->outcome) hedge->lane->stop.request_stop();
  // The first request's bytes are being delivered: these are nobody's.
  if (hedge->lane == nullptr && !hedge->is_awaited) hedge->bytes = PartBytes();
  hedge->ended.Fire();
  hedge->read->Close();
  self->EndTask();
}

}  // namespace headrace::fetch
