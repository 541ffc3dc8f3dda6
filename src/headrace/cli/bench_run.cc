// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/bench_run.h"

#include <sys/resource.h>

#include <filesystem>
#include <functional>
#include <optional>
#include <thread>
#include <utility>

#include "headrace/deliver/file/transfer.h"
#include "headrace/plan/key_path.h"

namespace headrace::cli {
namespace {

std::chrono::nanoseconds SpanOf(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

ProcessUse UseNow() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.user = SpanOf(usage.ru_utime),
          .system = SpanOf(usage.ru_stime),
          .memory_bytes_peak = static_cast<uint64_t>(usage.ru_maxrss) * 1024};
}

ProcessUse UseSince(const ProcessUse& begin) {
  ProcessUse now = UseNow();
  now.user -= begin.user;
  now.system -= begin.system;
  return now;
}

// A step's computation: as on an accelerator, it takes time and no processor.
void Compute(std::chrono::nanoseconds span, const CallContext& call, const Clock& clock) {
  if (span.count() == 0) return;
  Mutex mutex;
  CondVar stopped;
  const std::stop_callback wake(call.stop, [&] {
    const MutexLock lock(mutex);
    stopped.NotifyAll();
  });
  const SteadyTime until = clock.Now() + span;
  const MutexLock lock(mutex);
  while (!call.stop.stop_requested() && stopped.WaitUntil(mutex, until)) continue;
}

struct LoopTimes {
  Histogram steps;  // In nanoseconds.
  std::chrono::nanoseconds waited{};
};

// Takes batch after batch until there are no more samples.
void RunLoop(BenchSink& sink, const BenchLoop& loop, const BenchWorld& world, LoopTimes& times) {
  while (true) {
    const SteadyTime asked_at = world.clock.Now();
    const size_t taken = sink.Take(loop.batch_size);
    const SteadyTime here_at = world.clock.Now();
    times.waited += here_at - asked_at;
    if (taken == 0) return;
    Compute(loop.step_time, world.call, world.clock);
    times.steps.Record(static_cast<uint64_t>((world.clock.Now() - asked_at).count()));
  }
}

// The same loop over samples that are there already.
HistogramCounts CachedSteps(uint64_t sample_count, const BenchLoop& loop, const BenchWorld& world) {
  // Enough for a p99, and over in a moment however long a step is.
  constexpr uint64_t kSteps = 200;
  BenchSink ready(world.clock);
  const uint64_t count = std::min<uint64_t>(sample_count, kSteps * loop.batch_size);
  for (uint64_t index = 0; index < count; ++index) ready.OnReadEnd(index, Ok());
  ready.OnRunEnd();
  LoopTimes times;
  RunLoop(ready, loop, world, times);
  return times.steps.Counts();
}

// Turns files that are complete into samples of a loop.
class FileSamples final : public file::TransferObserver {
 public:
  explicit FileSamples(BenchSink& sink) : sink_(sink) {}

  void OnBytes(uint64_t size_bytes) override { sink_.OnBytes(size_bytes); }
  void OnItemDone(size_t index) override { sink_.OnReadEnd(index, Ok()); }
  void OnItemFailed(size_t index, const Error& error) override {
    sink_.OnReadEnd(index, std::unexpected(error));
  }

 private:
  BenchSink& sink_;
};

// Runs the loop over what `fill` puts into the sink on a thread of its own; the engine's counts are
// still to be added.
Result<BenchResult> RunBench(const BenchWorld& world, const BenchLoop& loop, BenchSink& sink,
                             const std::function<Status()>& fill) {
  const ProcessUse use_before = UseNow();
  const SteadyTime begin = world.clock.Now();
  Status outcome = Ok();
  std::thread filler([&] {
    outcome = fill();
    sink.OnRunEnd();
  });
  LoopTimes times;
  RunLoop(sink, loop, world, times);
  filler.join();
  BenchResult result{.wall = world.clock.Now() - begin, .waited = times.waited};
  result.use = UseSince(use_before);
  HR_TRY(outcome);
  result.arrivals = sink.arrivals();
  result.steps = times.steps.Counts();
  result.cached_steps = CachedSteps(result.arrivals.samples_done, loop, world);
  return result;
}

file::ItemSource<file::DownloadItem> FilesBelow(const std::string& folder,
                                                const BenchReads& reads) {
  return [&, index = uint64_t{0}]() mutable -> Result<std::optional<file::DownloadItem>> {
    while (index < reads.size()) {
      fetch::PlannedRead read = reads.At(index++);
      HR_TRY_ASSIGN(const std::optional<std::string> path, plan::KeyPath("", read.key));
      if (!path) continue;
      return file::DownloadItem{.bucket = std::move(read.bucket),
                                .key = std::move(read.key),
                                .size_bytes = read.object_size_bytes,
                                .etag = std::move(read.etag),
                                .path = (std::filesystem::path(folder) / *path).string()};
    }
    return std::nullopt;
  };
}

}  // namespace

Result<BenchResult> RunMemoryBench(const BenchWorld& world, const BenchReads& reads,
                                   const fetch::FetchOptions& options, const BenchLoop& loop) {
  HR_CHECK(options.memory != nullptr);
  fetch::Fetcher fetcher(world.store, world.loops, options);
  BenchSink sink(world.clock, options.memory->limit_bytes());
  HR_TRY_ASSIGN(BenchResult result, RunBench(world, loop, sink, [&] {
                  return fetcher.Run(reads.Source(), sink, world.call);
                }));
  result.engine = fetcher.metrics();
  return result;
}

Result<BenchResult> RunFileBench(const BenchWorld& world, const BenchReads& reads,
                                 const file::TransferOptions& options, const std::string& folder,
                                 const BenchLoop& loop) {
  file::Transfer transfer(world.store, world.loops, options);
  BenchSink sink(world.clock);
  FileSamples samples(sink);
  HR_TRY_ASSIGN(BenchResult result, RunBench(world, loop, sink, [&]() -> Status {
                  const file::TransferReport report =
                      transfer.Download(FilesBelow(folder, reads), samples, world.call);
                  if (report.error) return std::unexpected(*report.error);
                  return Ok();
                }));
  result.engine = transfer.metrics();
  return result;
}

}  // namespace headrace::cli
