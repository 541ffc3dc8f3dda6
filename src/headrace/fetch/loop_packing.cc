// SPDX-License-Identifier: Apache-2.0
#include "headrace/fetch/loop_packing.h"

#include "headrace/base/error.h"

namespace headrace::fetch {
namespace {

// Long beside a part (3 ms at 3 GB/s), short beside a run.
constexpr std::chrono::milliseconds kSpan{100};
// Beside a server on the same two processors plain parts take 0.45 to 0.65 of one, parts that are
// deciphered 0.7 to 1.
constexpr double kBusyShare = 0.7;
// The first span of a run fills memory that is new to the process: one alone says nothing.
constexpr uint32_t kBusySpans = 2;
// Together less than this for each loop but one: one fewer carries them with room to spare.
constexpr double kSpareShare = 0.5;

}  // namespace

LoopPacking::LoopPacking(size_t loop_count, size_t count_start)
    : loads_(loop_count), count_(count_start) {
  HR_CHECK(count_start > 0 && count_start <= loop_count);
}

double LoopPacking::TotalShare() const {
  double total = 0;
  for (size_t index = 0; index < count_; ++index) total += loads_[index].share;
  return total;
}

void LoopPacking::OnPartEnd(size_t loop_index, SteadyTime now,
                            std::chrono::nanoseconds thread_time) {
  Load& load = loads_.at(loop_index);
  if (!load.begun_at) {
    load.begun_at = now;
    load.thread_time = thread_time;
  }
  const std::chrono::duration<double> span = now - *load.begun_at;
  if (span < kSpan || loop_index >= count_) return;
  const std::chrono::duration<double> busy = thread_time - load.thread_time;
  load.begun_at = now;
  load.thread_time = thread_time;
  load.share = busy / span;
  load.busy_spans = load.share > kBusyShare ? load.busy_spans + 1 : 0;
  if (load.busy_spans >= kBusySpans && count_ < loads_.size()) {
    ++count_;
  } else if (count_ > 1 && TotalShare() < kSpareShare * static_cast<double>(count_ - 1)) {
    --count_;
  } else {
    return;
  }
  // They share the parts anew: what they took before says nothing.
  for (Load& each : loads_) each = Load{};
}

}  // namespace headrace::fetch
