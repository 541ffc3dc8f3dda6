// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/fetcher.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "headrace/base/machine_memory.h"
#include "headrace/fetch/object_blocks.h"
#include "headrace/fetch/object_reader.h"
#include "headrace/fetch/run.h"
#include "headrace/fetch/scheduler.h"

namespace headrace::fetch {
namespace {

// Reads of several blocks may ask for a quarter of the memory at once: beside what is kept for
// those who hold nothing (MayTake), that much can always come free.
constexpr uint64_t kOfMemoryInTurn = 4;

std::shared_ptr<MemoryBudget> BudgetFor(const FetchOptions& options) {
  if (options.memory) return options.memory;
  return MemoryBudget::Make(options.memory_bytes_max > 0 ? options.memory_bytes_max
                                                         : DefaultMemoryBytes(UsableMemoryBytes()));
}

uint64_t HeldBytesMax(const FetchOptions& options) {
  return options.memory_bytes_max > 0 ? options.memory_bytes_max
                                      : std::numeric_limits<uint64_t>::max();
}

SchedulerOptions SchedulingFor(const FetchOptions& options) {
  HR_CHECK(options.part_size_bytes > 0);
  HR_CHECK(options.requests_in_flight_max > 0);
  return {.part_size_bytes = options.part_size_bytes,
          .verify_checksums = options.verify_checksums,
          .window = {.requests_max = static_cast<uint32_t>(
                         std::min<uint64_t>(options.requests_in_flight_max, 1U << 20U)),
                     .target_bytes_per_second = options.target_bytes_per_second},
          .hedge = {.share_max = options.hedge_share_max}};
}

}  // namespace

Fetcher::Fetcher(ObjectStore& store, EventLoops& loops, FetchOptions options)
    : options_(std::move(options)),
      memory_(BudgetFor(options_)),
      // The other half is for those who wait.
      ahead_account_(memory_->OpenAccount(memory_->limit_bytes() / 2, MemoryBudget::Use::kSpare)),
      scheduler_(std::make_shared<Scheduler>(store, loops, SchedulingFor(options_), memory_)),
      open_objects_(std::make_unique<OpenObjects>()),
      read_turns_(std::make_shared<ReadTurns>(
          std::min(memory_->limit_bytes(), HeldBytesMax(options_)) / kOfMemoryInTurn)) {
  memory_->AddListener(scheduler_);
}

Fetcher::~Fetcher() { scheduler_->Shutdown(); }

Status Fetcher::Run(ReadSource source, PartSink& sink, const CallContext& context) {
  auto account = memory_->OpenAccount(HeldBytesMax(options_));
  return RunPlan(*scheduler_, std::move(account), std::move(source), sink, context);
}

std::unique_ptr<ObjectReader> Fetcher::Open(ObjectVersion object) {
  auto blocks = open_objects_->Find(std::move(object), [this](ObjectVersion version) {
    return std::make_shared<ObjectBlocks>(
        std::move(version), scheduler_,
        ObjectBlocks::Accounts{.demand = memory_->OpenAccount(HeldBytesMax(options_)),
                               .ahead = ahead_account_},
        read_turns_);
  });
  return std::make_unique<ObjectReader>(std::move(blocks), options_.part_size_bytes);
}

MetricsSnapshot Fetcher::metrics() const { return scheduler_->Snapshot(); }

FetchGauges Fetcher::gauges() const {
  const Scheduler::Gauges gauges = scheduler_->gauges();
  Metrics<FetchMetric>& metrics = scheduler_->metrics();
  const auto hedges = [&](HedgeOutcome outcome) {
    return metrics.counter(FetchMetric::kHedges, static_cast<size_t>(outcome)).value();
  };
  return {.window_requests = gauges.window,
          .in_flight_requests = gauges.in_flight,
          .memory_bytes_taken = memory_->taken_bytes(),
          .memory_bytes_peak = memory_->taken_bytes_peak(),
          .requests_begun = metrics.counter(FetchMetric::kRequests).value(),
          .hedges_begun = hedges(HedgeOutcome::kStarted),
          .hedges_won = hedges(HedgeOutcome::kWon)};
}

}  // namespace headrace::fetch
