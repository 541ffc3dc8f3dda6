// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <utility>

#include "headrace/base/mutex.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::fetch {

// What one part's bytes sum up to, in the algorithm the whole object's checksum is known in.
struct PartSum {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
  uint64_t crc64_nvme = 0;
  uint32_t crc32c = 0;
};

// The whole object's CRC from its parts', given in order of offset without gaps; nothing for an
// algorithm that cannot be combined.
std::optional<Checksum> CombineSums(ChecksumAlgorithm algorithm,
                                    const std::map<uint64_t, PartSum>& sums);

// Counts a run's unfinished reads, so that its end can be waited for.
class Fetcher::RunState {
 public:
  RunState(PartSink& sink, const CallContext& context) : sink_(sink), context_(context) {}

  PartSink& sink() { return sink_; }
  const CallContext& context() const { return context_; }

  void BeginRead() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++unfinished_;
  }
  void EndRead() HR_EXCLUDES(mutex_) {
    // Notified under the lock: the waiter may destroy the run as soon as it sees zero.
    const MutexLock lock(mutex_);
    if (--unfinished_ == 0) ended_.NotifyAll();
  }
  void WaitForAll() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    while (unfinished_ > 0) ended_.Wait(mutex_);
  }

 private:
  PartSink& sink_;
  const CallContext& context_;
  Mutex mutex_;
  CondVar ended_;
  size_t unfinished_ HR_GUARDED_BY(mutex_) = 0;
};

// One read on its way. It ends once: when its last request has ended and all were started.
struct Fetcher::ReadState {
  ReadState(PlannedRead plan, size_t index) : planned(std::move(plan)), read_index(index) {}

  const PlannedRead planned;
  const size_t read_index;

  // Remembers the first failure; later requests of the read are then not started.
  void Fail(Error error) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    if (!failure) failure = std::move(error);
  }
  bool has_failed() const HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    return failure.has_value();
  }
  // Sums a part while it is warm in the cache, in the algorithm the object's checksum is known in;
  // in each that can be combined where it is not known yet, in none where there is nothing to
  // compare with.
  void SumPart(std::span<const std::byte> bytes, PartSum& sum) const HR_EXCLUDES(mutex);
  void AddSum(const PartSum& sum) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    sums[sum.offset] = sum;
  }
  void SetExpected(std::optional<Checksum> checksum) HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    is_expected_known = true;
    expected = std::move(checksum);
  }
  void Begin() HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    ++requests_open;
  }
  // True for the one caller that ended the last request.
  bool End() HR_EXCLUDES(mutex) {
    const MutexLock lock(mutex);
    return --requests_open == 0;
  }
  // How the read went, once End has said true.
  Status Outcome() const HR_EXCLUDES(mutex);

 private:
  mutable Mutex mutex;
  std::optional<Error> failure HR_GUARDED_BY(mutex);
  // Starts at one for the thread that starts the requests.
  size_t requests_open HR_GUARDED_BY(mutex) = 1;
  std::map<uint64_t, PartSum> sums HR_GUARDED_BY(mutex);
  bool is_expected_known HR_GUARDED_BY(mutex) = false;
  std::optional<Checksum> expected HR_GUARDED_BY(mutex);
};

}  // namespace headrace::fetch
