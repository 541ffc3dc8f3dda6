// SPDX-License-Identifier: Apache-2.0
#include "headrace/cli/bench_sink.h"

#include <algorithm>
#include <utility>

#include "headrace/fetch/buffer_pool.h"

namespace headrace::cli {
namespace {

// Two parts, so that large objects wake the consumer rarely,
constexpr uint64_t kHeldBytesMax = 16ULL << 20U;
// and a share of the engine's memory that is reached before the engine has none left to ask with: a
// run alone may hold seven eighths of it.
constexpr uint64_t kHeldShare = 4;

}  // namespace

BenchSink::BenchSink(const Clock& clock, uint64_t memory_bytes)
    : clock_(clock),
      begin_(clock.Now()),
      held_bytes_max_(std::min(kHeldBytesMax, memory_bytes / kHeldShare)) {}

void BenchSink::Count(uint64_t size_bytes) {
  const std::chrono::nanoseconds now = clock_.Now() - begin_;
  if (arrivals_.bytes == 0) arrivals_.first_byte = now;
  arrivals_.bytes += size_bytes;
  arrivals_.timeline.Add(now, size_bytes);
}

void BenchSink::OnBytes(uint64_t size_bytes) {
  const MutexLock lock(mutex_);
  Count(size_bytes);
}

void BenchSink::OnPart(fetch::Part part) {
  const uint64_t size_bytes = part.bytes.span().size();
  const MutexLock lock(mutex_);
  Count(size_bytes);
  held_.push_back(std::move(part.bytes));
  held_bytes_ += fetch::CapacityFor(size_bytes);
  if (wanted_ > 0 && held_bytes_ >= held_bytes_max_) Wake();
}

void BenchSink::OnReadEnd(size_t /*read_index*/, Status status) {
  const MutexLock lock(mutex_);
  if (status) {
    ++arrivals_.samples_done;
  } else {
    ++arrivals_.samples_failed;
    if (!arrivals_.first_failure) arrivals_.first_failure = std::move(status).error();
  }
  ++ready_;
  if (wanted_ > 0 && ready_ >= wanted_) Wake();
}

void BenchSink::OnRunEnd() {
  const MutexLock lock(mutex_);
  is_over_ = true;
  changed_.NotifyAll();
}

void BenchSink::Wake() {
  wanted_ = 0;
  changed_.NotifyAll();
}

size_t BenchSink::Take(size_t count) {
  std::vector<fetch::PartBytes> dropped;
  while (true) {
    // Outside the lock: it gives memory back to the engine.
    dropped.clear();
    const MutexLock lock(mutex_);
    if (held_.empty() && ready_ < count && !is_over_) {
      wanted_ = count;
      changed_.Wait(mutex_);
      wanted_ = 0;
    }
    std::swap(dropped, held_);
    held_bytes_ = 0;
    if (ready_ < count && !is_over_) continue;
    const size_t taken = std::min(count, ready_);
    ready_ -= taken;
    return taken;
  }
}

BenchArrivals BenchSink::arrivals() const {
  const MutexLock lock(mutex_);
  return arrivals_;
}

}  // namespace headrace::cli
