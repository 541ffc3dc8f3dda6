// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "headrace/base/mutex.h"
#include "headrace/fetch/fetcher.h"

namespace headrace::fetch {

class Consumer;

// What one part's bytes sum up to, in the algorithm the whole object's checksum is known in.
struct PartSum {
  uint64_t offset = 0;
  uint64_t size_bytes = 0;
  uint64_t crc64_nvme = 0;
  uint32_t crc32c = 0;
  uint32_t crc32 = 0;
};

// The whole object's CRC from its parts', given in order of offset without gaps; nothing for an
// algorithm that cannot be combined.
std::optional<Checksum> CombineSums(ChecksumAlgorithm algorithm,
                                    const std::map<uint64_t, PartSum>& sums);

// One read on its way, in as many requests as it takes. It ends once, in Close, when its last
// request has ended and all were started.
//
// Threads: all methods may be called at once from any thread, but for what is the scheduler's.
class ReadState : public std::enable_shared_from_this<ReadState> {
 public:
  // `number` is the consumer's own, to know the read by; with a `stop` of its own the read may be
  // given up by itself.
  ReadState(PlannedRead planned, size_t number, std::shared_ptr<Consumer> consumer,
            std::shared_ptr<MemoryAccount> account,
            std::stop_source stop = std::stop_source(std::nostopstate));

  const PlannedRead planned;
  const size_t number;
  const std::shared_ptr<Consumer> consumer;

  // The scheduler's: who pays, where the next part begins, and how large parts are.
  std::shared_ptr<MemoryAccount> account;
  uint64_t next_begin = 0;
  uint64_t part_size_bytes = 0;
  bool is_urgent = false;  // Somebody waits for it, and nothing that is kept may stand in its way.
  bool awaits_look_up = false;  // Of the checksum, which begins with the first part.
  bool is_split() const { return planned.range.size_bytes() > part_size_bytes; }

  // "s3://bucket/key"
  std::string Name() const;

  // A request begins or ends. The scheduler's own share, with which the read is born, ends when it
  // has started the last part.
  void Open() HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    ++requests_open_;
  }
  // The last one to close tells the consumer how the read went.
  void Close() HR_EXCLUDES(mutex_);
  // Everything is asked for again, once: the first parts were damaged.
  void StartOver() HR_EXCLUDES(mutex_);
  bool is_second_time() const HR_EXCLUDES(mutex_) {
    const MutexLock lock(mutex_);
    return is_second_time_;
  }
  // Remembers the first failure; later requests of the read are then not started.
  void Fail(Error error) HR_EXCLUDES(mutex_);
  bool has_failed() const HR_EXCLUDES(mutex_);
  // Nobody wants its bytes any more: it fails with `error`, and so do its requests that run. Calls
  // what hangs on the stop token: under no lock.
  void GiveUp(Error error) HR_EXCLUDES(mutex_);
  std::stop_token given_up() const { return stop_.get_token(); }

  // The algorithms that a part must be summed in: the one of the object's checksum; all that can
  // be combined while it is not known; none where there is nothing to compare with.
  struct Sums {
    bool crc32c = false;
    bool crc64_nvme = false;
    bool crc32 = false;
  };
  Sums WantedSums() const HR_EXCLUDES(mutex_);
  void AddSum(const PartSum& sum) HR_EXCLUDES(mutex_);
  // The object's checksum is being looked up, and then found or not.
  void ExpectChecksum() HR_EXCLUDES(mutex_);
  void SetExpected(std::optional<Checksum> checksum) HR_EXCLUDES(mutex_);
  // False when parts came from different versions: `info` is not of the one that came first. By its
  // ETag and its size; where a store gives no ETag, by the time it was modified.
  bool IsSameVersion(const ObjectInfo& info) HR_EXCLUDES(mutex_);
  // What to say then.
  Error OtherVersion() const;
  // The version that was read: the planned one, or that of the first part; empty before.
  std::string etag() const HR_EXCLUDES(mutex_);

 private:
  std::optional<Error> Damage() const HR_REQUIRES(mutex_);

  std::stop_source stop_;
  mutable Mutex mutex_;
  std::optional<Error> failure_ HR_GUARDED_BY(mutex_);
  size_t requests_open_ HR_GUARDED_BY(mutex_) = 1;
  bool is_second_time_ HR_GUARDED_BY(mutex_) = false;
  bool is_verified_ HR_GUARDED_BY(mutex_) = false;
  bool is_expected_known_ HR_GUARDED_BY(mutex_) = false;
  std::map<uint64_t, PartSum> sums_ HR_GUARDED_BY(mutex_);
  std::optional<Checksum> expected_ HR_GUARDED_BY(mutex_);
  struct Version {
    std::string etag;
    SystemTime modified{};    // The epoch: no answer has told it.
    uint64_t size_bytes = 0;  // 0: no answer has told it.
  };
  std::optional<Version> first_ HR_GUARDED_BY(mutex_);
};

}  // namespace headrace::fetch
