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
  // Part size of the first thousand parts; it then doubles every thousand, so that 10,000 parts
  // hold the 5 TiB that S3 allows an object.
  uint64_t part_size_bytes = 8ULL << 20U;
  // Parts on their way at once, one more being filled: what it holds in memory, in parts.
  size_t parts_in_flight_max = 4;
};

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

  // Takes the bytes over; waits while as many parts as allowed are on their way. After an error:
  // the same again.
  Status Write(std::span<const std::byte> bytes);
  Result<PutResult> Finish();

  uint64_t size_bytes() const { return size_bytes_; }  // Written so far.

 private:
  struct Shared;
  Status StartPart();
  uint64_t NextPartSize() const;

  ObjectStore& store_;
  EventLoops& loops_;
  const CreateMultipartRequest request_;
  const StreamUploadOptions options_;
  const CallContext context_;
  std::shared_ptr<Shared> shared_;
  uint64_t size_bytes_ = 0;
};

}  // namespace headrace::file
