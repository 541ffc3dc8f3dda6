// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/loop_packing.h"

#include "headrace/base/error.h"

namespace headrace::fetch {
namespace {

// Long beside a part (3 ms at 3 GB/s), short beside a run.
constexpr std::chrono::milliseconds kSpan{100};
// A loop that is never without work has 0.95 of a processor and more; beside a server on the same
// two processors plain parts take 0.45 to 0.65 of one, in single spans 0.8.
constexpr double kBusyShare = 0.8;
// In the first spans of a run memory is filled that is new to the process, 0.3 s at worst.
constexpr uint32_t kBusySpans = 4;
// What comes after so long is another run.
constexpr std::chrono::seconds kPause{1};

}  // namespace

LoopPacking::LoopPacking(size_t loop_count, size_t count_start)
    : count_start_(count_start), count_(count_start), loads_(loop_count) {
  HR_CHECK(count_start > 0 && count_start <= loop_count);
}

void LoopPacking::LookAnew() {
  for (Load& load : loads_) load = Load{};
}

void LoopPacking::OnPartEnd(size_t loop_index, uint32_t requests, SteadyTime now,
                            std::chrono::nanoseconds thread_time) {
  if (now - ended_at_ > kPause) {
    count_ = count_start_;
    LookAnew();
  }
  ended_at_ = now;
  Load& load = loads_.at(loop_index);
  if (!load.begun_at) {
    load.begun_at = now;
    load.thread_time = thread_time;
  }
  const std::chrono::duration<double> span = now - *load.begun_at;
  if (span < kSpan) return;
  const std::chrono::duration<double> busy = thread_time - load.thread_time;
  load.begun_at = now;
  load.thread_time = thread_time;
  load.busy_spans = busy / span > kBusyShare ? load.busy_spans + 1 : 0;
  // A loop with one request has none that another could take.
  if (load.busy_spans < kBusySpans || requests < 2 || count_ == loads_.size()) return;
  ++count_;
  LookAnew();
}

}  // namespace headrace::fetch
