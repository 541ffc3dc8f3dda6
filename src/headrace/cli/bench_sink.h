// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "headrace/base/clock.h"
#include "headrace/base/error.h"
#include "headrace/base/mutex.h"
#include "headrace/cli/bench_timeline.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::cli {

// What has arrived.
struct BenchArrivals {
  uint64_t samples_done = 0;
  uint64_t samples_failed = 0;
  std::optional<Error> first_failure;
  uint64_t bytes = 0;
  // Of the first bytes, since the begin; zero: none came.
  std::chrono::nanoseconds first_byte{};
  BenchTimeline timeline;
};

// Samples on their way from the engine to a training loop. Their bytes are held, and count against
// the engine's memory, until the loop comes back for more.
//
// Threads: the sink's methods on event loops; Take by one consumer; the others by any. Samples may
// be of several parts; a part of one that is not complete yet is let go too when the loop waits.
class BenchSink final : public fetch::PartSink {
 public:
  // `clock` outlives this; time counts from now. `memory_bytes`: the engine's limit.
  explicit BenchSink(const Clock& clock,
                     uint64_t memory_bytes = std::numeric_limits<uint64_t>::max());

  // Bytes that are held elsewhere: in a file, say.
  void OnBytes(uint64_t size_bytes) HR_EXCLUDES(mutex_);
  void OnPart(fetch::Part part) override HR_EXCLUDES(mutex_);
  void OnReadEnd(size_t read_index, Status status) override HR_EXCLUDES(mutex_);
  // No more will come.
  void OnRunEnd() HR_EXCLUDES(mutex_);

  // Waits for `count` samples, fewer at the end, and says how many there were: 0 when all have been
  // taken. Failed samples count: a training loop would have stopped at the first.
  size_t Take(size_t count) HR_EXCLUDES(mutex_);

  BenchArrivals arrivals() const HR_EXCLUDES(mutex_);

 private:
  void Count(uint64_t size_bytes) HR_REQUIRES(mutex_);
  // Once: it takes its time to get a processor.
  void Wake() HR_REQUIRES(mutex_);

  const Clock& clock_;
  const SteadyTime begin_;
  // Memory beyond which a waiting consumer is woken to let go of it.
  const uint64_t held_bytes_max_;
  mutable Mutex mutex_;
  CondVar changed_;
  BenchArrivals arrivals_ HR_GUARDED_BY(mutex_);
  std::vector<fetch::PartBytes> held_ HR_GUARDED_BY(mutex_);
  uint64_t held_bytes_ HR_GUARDED_BY(mutex_) = 0;
  size_t ready_ HR_GUARDED_BY(mutex_) = 0;
  size_t wanted_ HR_GUARDED_BY(mutex_) = 0;  // By the consumer that waits.
  bool is_over_ HR_GUARDED_BY(mutex_) = false;
};

}  // namespace headrace::cli
