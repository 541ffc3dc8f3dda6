// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/metrics.h"
#include "headrace/cli/bench_reads.h"
#include "headrace/cli/bench_sink.h"
#include "headrace/deliver/file/transfer.h"
#include "headrace/fetch/fetcher.h"
#include "headrace/store/object_store.h"

namespace headrace::cli {

// The training loop that a bench stands in for.
struct BenchLoop {
  // Samples a step.
  size_t batch_size = 32;
  // What a step computes for; the loop waits that long. 0: an empty step.
  std::chrono::nanoseconds step_time{};
};

// Processor time and memory of this process.
struct ProcessUse {
  std::chrono::nanoseconds user{};
  std::chrono::nanoseconds system{};
  uint64_t memory_bytes_peak = 0;  // Since the process began.

  std::chrono::nanoseconds cpu() const { return user + system; }
};

struct BenchResult {
  BenchArrivals arrivals;
  std::chrono::nanoseconds wall{};
  // How much of `wall` the training loop waited for samples; the rest it computed.
  std::chrono::nanoseconds waited{};
  ProcessUse use;  // CPU of the run alone.
  // From asking for a batch to the end of its step, in nanoseconds; then the same steps over
  // samples that are in memory already.
  HistogramCounts steps;
  HistogramCounts cached_steps;
  MetricsSnapshot engine;  // What the engine counted (fetch/fetch_metrics.h).
};

// What a bench needs of the world. Lifetime: all outlive the call.
struct BenchWorld {
  ObjectStore& store;
  EventLoops& loops;
  const Clock& clock;
  const CallContext& call;
};

// Reads all samples into memory, batch after batch as they arrive, and drops them. Errors end it as
// fetch::Fetcher::Run says; samples that failed are counted. `options.memory` is given. Blocks; not
// on an event loop.
Result<BenchResult> RunMemoryBench(const BenchWorld& world, const BenchReads& reads,
                                   const fetch::FetchOptions& options, const BenchLoop& loop);

// The same into files below `folder`, each of which is one sample once it is complete: File mode.
// Whole objects only. kInvalidArgument: a key that cannot be a path.
Result<BenchResult> RunFileBench(const BenchWorld& world, const BenchReads& reads,
                                 const file::TransferOptions& options, const std::string& folder,
                                 const BenchLoop& loop);

// A digest of what all reads deliver, whatever their order: the sum, modulo 2^256, of
// SHA-256("KEY\nBEGIN\n" followed by the SHA-256 of the bytes), as 64 hexadecimal digits. The first
// failed read ends it. Blocks; not on an event loop.
Result<std::string> DigestOfReads(const BenchWorld& world, const BenchReads& reads,
                                  const fetch::FetchOptions& options);

}  // namespace headrace::cli
