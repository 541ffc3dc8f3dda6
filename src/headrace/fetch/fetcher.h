// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "headrace/base/async_semaphore.h"
#include "headrace/base/byte_range.h"
#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/fetch/part_memory.h"
#include "headrace/store/object_store.h"

namespace headrace::fetch {

struct FetchOptions {
  // Objects above this are read in ranges of this size: the cost-optimal request size of S3, and
  // the one that objects were usually uploaded in.
  uint64_t part_size_bytes = 8ULL << 20U;
  // Bytes of parts asked for or delivered and not yet let go by their consumer.
  uint64_t memory_bytes_max = 128ULL << 20U;
  // Requests in flight at once.
  uint64_t requests_in_flight_max = 64;
  // Compare whole-object checksums where the store has them. An object read in ranges costs one
  // HEAD more.
  bool verify_checksums = true;
};

// One read of a plan: a range of an object whose size is known from a listing or a HEAD.
struct PlannedRead {
  std::string bucket;
  std::string key;
  uint64_t object_size_bytes = 0;
  std::string etag;  // Pinned; empty: any version, all parts the same one where there are several.
  ByteRange range;   // Within the object.

  bool is_whole_object() const { return range == ByteRange{.begin = 0, .end = object_size_bytes}; }
};

struct Part {
  size_t read_index = 0;  // Counts the reads in the order the source gave them.
  uint64_t offset = 0;    // Of the first byte in the object.
  PartBytes bytes;
};

// Receives what a run fetches. Threads: both are called on event loops, several at once for
// different parts, and must not block. After an OnReadEnd no part of that read follows.
class PartSink {
 public:
  virtual ~PartSink() = default;
  virtual void OnPart(Part part) = 0;
  // The read is over: every part has been given, or what went wrong. An object whose bytes do not
  // have its checksum ends with kCorrupt after its parts were given.
  virtual void OnReadEnd(size_t read_index, Status status) = 0;
};

// The next read, nothing at the end, or an error that ends the run. Called on the thread that runs;
// may block.
using ReadSource = std::move_only_function<Result<std::optional<PlannedRead>>()>;

// Keeps requests in flight for a sequence of reads, inside one memory limit. Whole small objects
// cost exactly one GET. No retries: those are the store's. Lifetime: store and loops outlive it; it
// outlives its runs.
class Fetcher {
 public:
  Fetcher(ObjectStore& store, EventLoops& loops, FetchOptions options);

  // Reads everything the source gives and blocks until all has been delivered. One failed read does
  // not stop the others. The error is the source's, or kCancelled. Must not be called on an event
  // loop.
  Status Run(ReadSource source, PartSink& sink, const CallContext& context);

  const FetchOptions& options() const { return options_; }
  uint64_t memory_bytes_taken() const { return memory_->taken_bytes(); }

  class RunState;
  struct ReadState;

 private:
  void StartPart(const std::shared_ptr<RunState>& run, const std::shared_ptr<ReadState>& read,
                 ByteRange range);
  void StartRead(const std::shared_ptr<RunState>& run, PlannedRead planned, size_t read_index);

  ObjectStore& store_;
  EventLoops& loops_;
  const FetchOptions options_;
  std::shared_ptr<PartMemory> memory_;
  std::shared_ptr<AsyncSemaphore> in_flight_;
};

}  // namespace headrace::fetch
