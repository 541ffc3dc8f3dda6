// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "headrace/base/byte_range.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/base/metrics.h"
#include "headrace/fetch/memory_budget.h"
#include "headrace/store/object_store.h"

namespace headrace::fetch {

class ObjectReader;
class OpenObjects;
class ReadTurns;
class Scheduler;

struct FetchOptions {
  // Objects above this are read in ranges of this size up to twice that, aligned to the parts they
  // were stored in: the cost-optimal request size of S3.
  uint64_t part_size_bytes = 8ULL << 20U;
  // The process's budget, which several fetchers share; null: one of this fetcher's own, of
  // `memory_bytes_max`.
  std::shared_ptr<MemoryBudget> memory;
  // Bytes asked for or delivered and not yet let go; 0: a quarter of the machine's memory, at most
  // 2 GiB. With a shared budget: what one run or one open object may hold of it, 0 being all.
  uint64_t memory_bytes_max = 0;
  // A limit on the requests in flight at once, whose number is found by measuring.
  uint64_t requests_in_flight_max = 1024;
  // Enough is in flight for this and no more; 0: until the goodput stops rising.
  uint64_t target_bytes_per_second = 0;
  // Compare whole-object checksums where the store has them. An object read in ranges costs one
  // HEAD more.
  bool verify_checksums = true;
  // Requests that are late are asked for a second time, up to this share of all; 0: never.
  double hedge_share_max = 0.02;
};

// One read of a plan: a range of an object whose size is known from a listing or a HEAD.
struct PlannedRead {
  std::string bucket;
  std::string key;
  uint64_t object_size_bytes = 0;
  std::string etag;  // Pinned; empty: any version, all parts the same one where there are several.
  ByteRange range;   // Within the object.
  // Which it is read through, in place of the fetcher's: another face of the same store. Outlives
  // the fetcher.
  ObjectStore* store = nullptr;

  bool is_whole_object() const { return range == ByteRange{.begin = 0, .end = object_size_bytes}; }
};

struct Part {
  size_t read_index = 0;  // Counts the reads in the order the source gave them.
  uint64_t offset = 0;    // Of the first byte in the object.
  PartBytes bytes;
};

// Receives what a run fetches. Bytes come before the checksum of an object of several parts can be
// compared: who passes them on at once (OrderedReader, ObjectReader) may pass on damaged ones, and
// is told at the end of the read, or, of ranges of an object, not at all. Threads: both are called
// on event loops, several at once for different parts, and must not block. After an OnReadEnd no
// part of that read follows.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual void OnPart(Part part) = 0;
  // The read is over: every part has been given, or what went wrong. An object whose bytes do not
  // have its checksum ends with kCorrupt after its parts were given.
  virtual void OnReadEnd(size_t read_index, Status status) = 0;
  // So many reads (at least 1) are on their way side by side: the first ones of the queue take
  // turns, a part of each. 1: one after the other, in the order of the source.
  virtual size_t reads_side_by_side() const { return 1; }
  // The parts of an object broke its checksum: true has all of them read and given once more, over
  // new connections, before the read ends.
  virtual bool MayGiveAgain(size_t /*read_index*/) { return false; }
};

// The next read, nothing at the end, or an error that ends the run. Called on the thread that runs;
// may block.
using ReadSource = std::move_only_function<Result<std::optional<PlannedRead>>()>;

// One version of an object, to be read on demand.
struct ObjectVersion {
  std::string bucket;
  std::string key;
  uint64_t size_bytes = 0;
  std::string etag;  // Pinned while it is open; empty: the version of the first read.
};

// How the engine stands.
struct FetchGauges {
  uint32_t window_requests = 0;     // How many requests there may be in flight,
  uint32_t in_flight_requests = 0;  // and are.
  uint64_t memory_bytes_taken = 0;
  uint64_t memory_bytes_peak = 0;
  uint64_t requests_begun = 0;  // Without retries.
  uint64_t hedges_begun = 0;
  uint64_t hedges_won = 0;
};

// The one way to an object's bytes: keeps requests in flight for whoever reads, inside one memory
// limit, as many as the path carries. Reads of a plan run ahead of their consumer; an open object
// is read on demand, with read-ahead. Whole small objects cost exactly one GET. No retries: those
// are the store's.
//
// Threads: all methods may be called at once from any thread but an event loop. Lifetime: store and
// loops outlive it; it outlives its runs and its open objects. Parts that were delivered may
// outlive everything.
class Fetcher {
 public:
  Fetcher(ObjectStore& store, EventLoops& loops, FetchOptions options);
  ~Fetcher();
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;

  // Reads everything the source gives and blocks until all has been delivered, as it arrives
  // (OrderedReader: in order). One failed read does not stop the others. The error is the source's,
  // kCancelled or kTimedOut; reads that had not ended by then end with the same.
  Status Run(ReadSource source, PartSink& sink, const CallContext& context);

  // An object to read from on demand. Asks the store nothing.
  std::unique_ptr<ObjectReader> Open(ObjectVersion object);

  const FetchOptions& options() const { return options_; }
  uint64_t memory_bytes_taken() const { return memory_->taken_bytes(); }
  FetchGauges gauges() const;
  // Every row of fetch_metrics.h.
  MetricsSnapshot metrics() const;

 private:
  const FetchOptions options_;
  const std::shared_ptr<MemoryBudget> memory_;
  const std::shared_ptr<MemoryAccount> ahead_account_;  // Of everything that is read ahead.
  const std::shared_ptr<Scheduler> scheduler_;
  const std::unique_ptr<OpenObjects> open_objects_;
  const std::shared_ptr<ReadTurns> read_turns_;
};

}  // namespace headrace::fetch
