// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

#include "headrace/base/error.h"
#include "headrace/base/event_loops.h"
#include "headrace/store/object_store.h"

namespace headrace::file {

struct StreamUploadOptions {
  // Size of the first thousand parts: see StreamPartSize.
  uint64_t part_size_bytes = 8ULL << 20U;
  // Parts on their way at once; the limit on memory binds first once parts have grown.
  size_t parts_in_flight_max = 4;
  // Parts on their way and the one being filled together. A quarter below the 256 MiB that a
  // transfer may take as a whole.
  uint64_t memory_bytes_max = 192ULL << 20U;
};

// The size of a stream's part, `index` counted from 0. It doubles every thousand parts, as nobody
// knows how many will come, and ends at the limit on memory: a part is sent from memory, so that it
// can be sent again. From two thirds of the limit on, filling and sending take turns.
uint64_t StreamPartSize(uint32_t index, const StreamUploadOptions& options);
// What S3's 10,000 parts hold at most: 1.15 TiB by default.
uint64_t StreamBytesMax(const StreamUploadOptions& options);

// Writes bytes of unknown length into one object without a copy on disk: a single PUT when they fit
// one part, an upload in parts otherwise. The object appears when Finish succeeds; dropped before,
// the upload is aborted. Threads: one, which is no event loop; all methods block. Lifetime: store
// and loops outlive it.
class StreamUpload {
 public:
  StreamUpload(ObjectStore& store, EventLoops& loops, CreateMultipartRequest request,
               StreamUploadOptions options, CallContext context);
  ~StreamUpload();
  StreamUpload(const StreamUpload&) = delete;
  StreamUpload& operator=(const StreamUpload&) = delete;

  // Takes the bytes over; waits while as many parts, or bytes, as allowed are on their way. After
  // an error: the same again. kUnsupported beyond StreamBytesMax.
  Status Write(std::span<const std::byte> bytes);
  Result<PutResult> Finish();

  uint64_t size_bytes() const { return size_bytes_; }  // Written so far.
  // The most bytes of parts that were in memory at once.
  uint64_t memory_bytes_peak() const;

 private:
  struct Shared;
  Status StartPart();
  Status BeginFilling();

  ObjectStore& store_;
  EventLoops& loops_;
  const CreateMultipartRequest request_;
  const StreamUploadOptions options_;
  const CallContext context_;
  std::shared_ptr<Shared> shared_;
  uint64_t size_bytes_ = 0;
};

}  // namespace headrace::file
